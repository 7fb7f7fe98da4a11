// The waterfall's rows: only those in sight are in the document, however many spans the trace has.

import { h, setStyle, svg } from './dom.js';
import { duration } from './format.js';
import { colour } from './palette.js';
import { operation } from './trace_model.js';

export const ROW = 26; // px, as in trace.css
const AHEAD = 10;
const MOST = 280;
const LANE = 1000; // units of a lane's drawing

/** Keeps the rows of `tree` that can be seen in `scroller`; `draw(n)` makes the n-th. */
export class RowWindow {
  constructor(scroller, tree, draw) {
    Object.assign(this, { scroller, tree, draw, count: 0, live: new Map(), asked: 0 });
    scroller.addEventListener('scroll', () => this.later(), { passive: true });
    this.observer = new ResizeObserver(() => this.later());
    this.observer.observe(scroller);
  }

  later() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.update();
    });
  }

  /** Another number of rows, all drawn anew. */
  reset(count) {
    this.count = count;
    setStyle(this.tree, { height: `${count * ROW}px` });
    this.redraw();
  }

  redraw() {
    for (const row of this.live.values()) row.remove();
    this.live.clear();
    this.update();
  }

  update() {
    const top = this.scroller.scrollTop - this.tree.offsetTop;
    const first = Math.max(0, Math.floor(top / ROW) - AHEAD);
    const last = Math.min(this.count, first + MOST, Math.ceil((top + this.scroller.clientHeight) / ROW) + AHEAD);
    for (const [n, row] of this.live) {
      if (n >= first && n < last) continue;
      row.remove();
      this.live.delete(n);
    }
    for (let n = first; n < last; n += 1) if (!this.live.has(n)) this.put(n);
  }

  put(n) {
    const row = this.draw(n);
    setStyle(row, { transform: `translateY(${n * ROW}px)` });
    this.live.set(n, row);
    this.tree.append(row);
  }

  /** One row drawn anew where it is in the document. */
  renew(n) {
    if (!this.live.has(n)) return;
    this.live.get(n).remove();
    this.put(n);
  }

  /** Scroll so that a row is in sight, and in the document. */
  reveal(n, headerPx) {
    const top = this.tree.offsetTop + n * ROW;
    const { scrollTop, clientHeight } = this.scroller;
    if (top - headerPx < scrollTop) this.scroller.scrollTop = top - headerPx - ROW;
    else if (top + ROW > scrollTop + clientHeight) this.scroller.scrollTop = top + 2 * ROW - clientHeight;
    this.update();
  }

  end() {
    this.observer.disconnect();
    cancelAnimationFrame(this.asked);
  }
}

/**
 * One row. `row` as rowsOf() gives it; `facts`: {id, open, selected, match, remarks, outside, pathNs, segments, logs, mark, zoom}.
 */
export function drawRow(row, facts) {
  const { span, depth, below } = row;
  const flags = flagsOf(row, facts);
  return h(
    'div.span-row',
    {
      id: facts.id,
      role: 'treeitem',
      'aria-level': depth + 1,
      'aria-selected': String(facts.selected),
      'aria-expanded': below ? String(facts.open) : null,
      'data-span': span.id,
      'aria-label': spoken(row, facts),
      class: `${facts.selected ? 'selected' : ''} ${facts.match ? 'match' : ''} ${span.status === 'error' ? 'error' : ''}`,
    },
    h(
      'span.span-name',
      { style: { '--depth': Math.min(depth, 14) } },
      h('span.toggle', { 'data-toggle': below ? '' : null, class: facts.open ? 'open' : '' }, below ? '›' : ''),
      h(`span.swatch.${colour(span.service)}`),
      h('span.span-service', null, span.service),
      h('span.span-operation', null, operation(span)),
      !facts.open && below > 0 && h('span.count', null, `+${below}`),
      flags,
    ),
    h('span.span-lane', null, lane(span, facts)),
  );
}

function flagsOf({ span, orphan }, { remarks, outside, logs, mark }) {
  const found = [];
  if (mark) found.push(h('span.flag.marked', { title: mark }, '★'));
  if (span.status === 'error') found.push(h('span.flag.bad', { title: span.message || 'error' }, 'error'));
  if (orphan) found.push(h('span.flag.warn', { title: remarks[0] }, 'no parent'));
  else if (remarks.length)
    found.push(h('span.flag.warn', { title: remarks.join(' ') }, outside === 'late' ? 'ends late' : 'clock'));
  if (span.links.length)
    found.push(
      h('span.flag', { title: `Shared its batch with ${span.links.length} other requests` }, `⇄ ${span.links.length}`),
    );
  if (logs) found.push(h('span.flag', { title: `${logs} log lines` }, `≡ ${logs}`));
  return found;
}

function spoken({ span, below, orphan }, { remarks, pathNs, open, mark }) {
  const parts = [`${span.service}, ${operation(span)}, ${duration(span.end - span.start)}`];
  if (pathNs) parts.push(`${duration(pathNs)} on the critical path`);
  if (span.status === 'error') parts.push('error');
  if (orphan || remarks.length) parts.push(remarks.join(' '));
  if (span.links.length) parts.push(`shared its batch with ${span.links.length}`);
  if (mark) parts.push(mark);
  if (below && !open) parts.push(`${below} spans under it`);
  return parts.join('; ');
}

function lane(span, { zoom, segments }) {
  const size = zoom.to - zoom.from;
  const at = (ns) => ((ns - zoom.from) / size) * 100;
  const left = Math.max(0, at(span.start));
  const right = Math.min(100, at(span.end));
  const text = h('span.span-time', null, duration(span.end - span.start));
  if (right < 0 || left > 100) return h('span.outside', null, left > 100 ? '›' : '‹', text);
  setStyle(
    text,
    right > 72 && left > 18
      ? { right: `min(calc(${100 - left}% + 5px), calc(100% - 8ch))` } // whole in a narrow lane, too
      : right > 84
        ? { right: '4px' }
        : { left: `calc(${right}% + 5px)` },
  );
  if (right > 72 && left <= 40) text.classList.add('within');
  return [
    h(`span.span-bar.${colour(span.service)}`, { style: { left: `${left}%`, width: `${Math.max(right - left, 0)}%` } }),
    svg(
      'svg.lane',
      { viewBox: `0 0 ${LANE} ${ROW}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      svg('path.critical', { d: stretches(segments, zoom) }),
      svg('path.event', { d: span.events.map((event) => `M${(at(event.at) * LANE) / 100} 3v20`).join('') }),
    ),
    text,
  ];
}

/** The stretches of the critical path as one drawing; those closer than a unit are one. */
function stretches(segments, zoom) {
  const at = (ns) => ((ns - zoom.from) / (zoom.to - zoom.from)) * LANE;
  const merged = [];
  for (const segment of segments) {
    const from = Math.max(0, at(segment.start));
    const to = Math.min(LANE, Math.max(at(segment.end), at(segment.start) + 1));
    if (to <= 0 || from >= LANE) continue;
    const last = merged.at(-1);
    if (last && from - last[1] < 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged
    .map(([from, to]) => `M${from.toFixed(2)} 10.500h${(to - from).toFixed(2)}v5h${(from - to).toFixed(2)}z`)
    .join('');
}
