// A trace as spans in a tree; the same definitions as lab/clients/tempo.py and lab/trace_tree.py.

/**
 * Spans of Tempo's answer (v1 `batches` or v2 `trace.resourceSpans`) by start time: {base, spans}. `base` is the first
 * start as bigint Unix ns; a span's `start` and `end` are ns after it, numbers that are exact for 104 days.
 */
export function parseTrace(body) {
  const inner = body.trace ?? body;
  const rows = [];
  for (const batch of inner.batches ?? inner.resourceSpans ?? []) {
    const resource = attributes(batch.resource?.attributes);
    for (const scope of batch.scopeSpans ?? [])
      for (const span of scope.spans ?? []) rows.push({ span, resource, scope: scope.scope?.name ?? '' });
  }
  if (!rows.length) return { base: 0n, spans: [] };
  const base = rows.reduce(
    (least, { span }) => (BigInt(span.startTimeUnixNano) < least ? BigInt(span.startTimeUnixNano) : least),
    BigInt(rows[0].span.startTimeUnixNano),
  );
  const spans = rows.map((row) => toSpan(row, base));
  return { base, spans: spans.sort(byStart) };
}

const byStart = (a, b) => a.start - b.start || b.end - a.end;
const KINDS = { 1: 'internal', 2: 'server', 3: 'client', 4: 'producer', 5: 'consumer' };
const STATUS = { STATUS_CODE_OK: 'ok', STATUS_CODE_ERROR: 'error', 1: 'ok', 2: 'error' };

function toSpan({ span, resource, scope }, base) {
  return {
    traceId: hexId(span.traceId, 16),
    id: hexId(span.spanId, 8),
    parent: hexId(span.parentSpanId, 8),
    service: String(resource['service.name'] ?? ''),
    name: span.name ?? '',
    scope,
    kind:
      KINDS[span.kind] ??
      String(span.kind ?? '')
        .replace('SPAN_KIND_', '')
        .toLowerCase(),
    start: Number(BigInt(span.startTimeUnixNano) - base),
    end: Number(BigInt(span.endTimeUnixNano) - base),
    status: STATUS[span.status?.code] ?? 'unset',
    message: span.status?.message ?? '',
    attributes: attributes(span.attributes),
    resource,
    events: (span.events ?? []).map((event) => ({
      at: Number(BigInt(event.timeUnixNano ?? base) - base),
      name: event.name ?? '',
      attributes: attributes(event.attributes),
    })),
    links: (span.links ?? []).map((each) => ({ traceId: hexId(each.traceId, 16), spanId: hexId(each.spanId, 8) })),
  };
}

/** OTLP's key-value list as an object. */
export function attributes(rows) {
  return Object.fromEntries((rows ?? []).map((row) => [row.key, value(row.value ?? {})]));
}

function value(typed) {
  if ('stringValue' in typed) return typed.stringValue;
  if ('intValue' in typed)
    return Number.isSafeInteger(Number(typed.intValue)) ? Number(typed.intValue) : String(typed.intValue);
  if ('doubleValue' in typed) return Number(typed.doubleValue);
  if ('boolValue' in typed) return typed.boolValue;
  if ('arrayValue' in typed) return (typed.arrayValue.values ?? []).map(value);
  return null;
}

/** An id of `size` bytes as hex, from base64 (Tempo's JSON) or from hex; no id is empty. */
export function hexId(text, size) {
  if (!text) return '';
  if (text.length === 2 * size && /^[0-9a-f]+$/i.test(text)) return /[^0]/.test(text) ? text.toLowerCase() : '';
  const hex = Array.from(atob(text), (letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  return /[^0]/.test(hex) ? hex.padStart(2 * size, '0') : '';
}

/**
 * Spans by parent: {tops, children: Map(id → spans), orphans: Set(id), byId}. `tops` are the roots, then the orphans, by
 * start; each id counts once; a circle is cut at its earliest span, so that every span shows.
 */
export function buildTree(spans) {
  const byId = new Map(spans.map((span) => [span.id, span]));
  const children = new Map();
  const roots = [];
  const orphans = [];
  const ordered = [...byId.values()].sort(byStart);
  for (const span of ordered) {
    if (!span.parent) roots.push(span);
    else if (!byId.has(span.parent)) orphans.push(span);
    else if (children.has(span.parent)) children.get(span.parent).push(span);
    else children.set(span.parent, [span]);
  }
  orphans.push(
    ...cutCircles(
      [...byId.values()].sort((a, b) => a.start - b.start),
      children,
      [...roots, ...orphans],
    ),
  );
  return {
    tops: [...roots, ...orphans],
    children,
    orphans: new Set(orphans.map((span) => span.id)),
    byId,
    root: roots[0] ?? orphans[0],
  };
}

function cutCircles(ordered, children, tops) {
  const reached = new Set();
  reach(tops, children, reached);
  const cut = [];
  for (const span of ordered) {
    if (reached.has(span.id)) continue;
    children.set(
      span.parent,
      children.get(span.parent).filter((each) => each !== span),
    );
    reach([span], children, reached);
    cut.push(span);
  }
  return cut;
}

function reach(tops, children, reached) {
  const stack = [...tops];
  while (stack.length) {
    const span = stack.pop();
    if (reached.has(span.id)) continue;
    reached.add(span.id);
    stack.push(...(children.get(span.id) ?? []));
  }
}

/** Rows depth first, children by start: {span, depth, orphan, below} with `below` the number of spans under it. */
export function rowsOf(tree) {
  const rows = [];
  const visit = [...tree.tops].reverse().map((span) => [span, 0]);
  while (visit.length) {
    const [span, depth] = visit.pop();
    rows.push({ span, depth, orphan: tree.orphans.has(span.id), below: 0 });
    for (const child of [...(tree.children.get(span.id) ?? [])].reverse()) visit.push([child, depth + 1]);
  }
  countBelow(rows);
  return rows;
}

/** In depth-first order a row's descendants follow it: those up to the next row that is no deeper. */
function countBelow(rows) {
  const open = [];
  rows.forEach((row, n) => {
    while (open.length && rows[open.at(-1)].depth >= row.depth) close(open.pop(), n);
    open.push(n);
  });
  while (open.length) close(open.pop(), rows.length);

  function close(at, next) {
    rows[at].below = next - at - 1;
  }
}

/** What a span does, as lab/diagnosis names it: Redis and "call SERVICE" for clients, else its own name. */
export function operation(span) {
  const peer = span.kind === 'client' ? String(span.attributes['peer.service'] ?? '') : '';
  if (peer.startsWith('redis')) return 'Redis';
  return peer ? `call ${peer}` : span.name;
}

const SKEW_NS = 5e6; // as lab/diagnosis/one_trace.py: what networks and schedulers do stays below

/** Whether a span starts `early` or ends `late` against its caller in another service; empty where it lies within. */
export function outside(span, tree) {
  const parent = tree.byId.get(span.parent);
  if (!parent || parent.service === span.service) return '';
  if (span.start < parent.start - SKEW_NS) return 'early';
  return span.end > parent.end + SKEW_NS ? 'late' : '';
}

const OUTSIDE = {
  early: 'It starts before its caller did: the clocks of the two differ (clock skew).',
  late: 'It ends after its caller’s span: it outlived the call, or its clock is ahead (clock skew).',
};

/** Remarks on a span that lies oddly in its trace: texts, empty where all is well. */
export function remarks(span, tree) {
  const found = [];
  if (tree.orphans.has(span.id))
    found.push(`Its parent ${span.parent} is not in the trace: spans were lost, or have not arrived yet.`);
  const where = outside(span, tree);
  if (where) found.push(OUTSIDE[where]);
  return found;
}

/** What is odd about the trace as a whole, as sentences. */
export function traceRemarks(tree) {
  const found = [];
  const orphans = new Map();
  for (const id of tree.orphans) {
    const { service } = tree.byId.get(id);
    orphans.set(service, (orphans.get(service) ?? 0) + 1);
  }
  for (const [service, count] of orphans)
    found.push(
      `${count} ${count === 1 ? 'span' : 'spans'} of ${service} name${count === 1 ? 's' : ''} a parent that is not in the trace: spans were lost, or have not arrived yet.`,
    );
  const roots = tree.tops.length - tree.orphans.size;
  if (roots > 1) found.push(`The trace has ${roots} roots.`);
  const lying = Map.groupBy(tree.byId.values(), (span) => outside(span, tree));
  for (const service of servicesOf(lying.get('early')))
    found.push(`Spans of ${service} start before their callers did: a clock is wrong.`);
  for (const service of servicesOf(lying.get('late')))
    found.push(`Spans of ${service} end after their callers’: they outlived the call, or a clock is ahead.`);
  return found;
}

const servicesOf = (spans = []) => new Set(spans.map((span) => span.service));

/** Whether a span's names, message, id or attributes hold a text (lower case). */
export function holds(span, text) {
  return (
    [span.service, span.name, operation(span), span.message, span.id].some((each) => each.toLowerCase().includes(text)) ||
    Object.entries(span.attributes).some(([name, value]) => `${name}=${value}`.toLowerCase().includes(text))
  );
}

/** {from, to}: the time that spans cover, in ns, at least `least` long. */
export function timeOf(spans, least = 0) {
  const from = spans.reduce((first, span) => Math.min(first, span.start), Infinity);
  const to = spans.reduce((last, span) => Math.max(last, span.end), -Infinity);
  return { from, to: Math.max(to, from + least) };
}
