// The critical path of a trace and the exclusive time of its spans: the definitions of lab/critical_path.py and
// lab/diagnosis/trace.py, which a test compares with these.

/**
 * The stretches of the root's time by the span whose own work the caller waited for: [{span, start, end}] by time.
 * Walk backwards from the root's end; at each moment go to the child that finished last by then (of those that end
 * together the longest, then by id), clipped to its parent; where no child finished before, the rest is the span's own.
 */
export function criticalPath(tree) {
  const segments = [];
  const frames = [frame(tree, tree.root, tree.root.start, tree.root.end)];
  while (frames.length) {
    const top = frames.at(-1);
    const found = lastFinished(top);
    if (!found) {
      add(segments, top.span, top.start, top.at);
      frames.pop();
      continue;
    }
    add(segments, top.span, found.end, top.at);
    top.at = found.start;
    frames.push(frame(tree, found.span, found.start, found.end));
  }
  return segments.reverse();
}

function frame(tree, span, start, end) {
  const within = (tree.children.get(span.id) ?? [])
    .map((child) => ({ start: Math.max(child.start, start), end: Math.min(child.end, end), span: child }))
    .filter((each) => each.start < each.end)
    .sort((a, b) => b.end - a.end || a.start - b.start || (a.span.id < b.span.id ? -1 : 1));
  return { span, start, at: end, within, next: 0 };
}

function lastFinished(top) {
  while (top.next < top.within.length) {
    const each = top.within[top.next];
    top.next += 1;
    if (each.end <= top.at) return each;
  }
  return null;
}

function add(segments, span, start, end) {
  if (start < end) segments.push({ span, start, end });
}

/** Nanoseconds on the path by span id: a Map. */
export function timeBySpan(segments) {
  const total = new Map();
  for (const { span, start, end } of segments) total.set(span.id, (total.get(span.id) ?? 0) + end - start);
  return total;
}

/** A span's duration less the union of its children, each clipped to it, in ns. */
export function exclusive(span, children) {
  let covered = 0;
  let reached = span.start;
  for (const child of [...children].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const first = Math.max(child.start, reached);
    const last = Math.min(child.end, span.end);
    if (first < last) {
      covered += last - first;
      reached = last;
    }
  }
  return span.end - span.start - covered;
}
