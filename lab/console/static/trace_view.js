// A trace's waterfall as a part that pages place: tree, time axis with zoom and pan, critical path, search, keyboard.

import { announce, fill, h, newId } from './dom.js';
import { criticalPath, exclusive, timeBySpan } from './critical_path.js';
import { plural } from './format.js';
import { timeAxis, traceMap } from './trace_map.js';
import { buildTree, holds, outside, remarks, rowsOf, timeOf } from './trace_model.js';
import { drawRow, RowWindow } from './trace_rows.js';

const AXIS_PX = 26;
const SMALLEST_NS = 1000;

/**
 * Place the waterfall of `trace` (parseTrace's) into `element`. Options: `selected` (span id), `onSelect(span)`,
 * `zoom`, `onZoom(zoom or null)`, `marks` (Map span id → why it is marked), `compact` (no tools, no map), `spanNs` (the
 * axis' length, to compare two). Answers {tree, segments, pathNs, exclusiveOf, select, setLogs, end}.
 */
export function traceView(element, trace, options = {}) {
  return new TraceView(element, trace, options);
}

class TraceView {
  constructor(element, trace, options) {
    this.options = options;
    this.tree = buildTree(trace.spans);
    this.rows = rowsOf(this.tree);
    this.segments = criticalPath(this.tree);
    this.pathNs = timeBySpan(this.segments);
    this.onPath = Map.groupBy(this.segments, (each) => each.span.id);
    this.remarks = new Map(this.rows.map(({ span }) => [span.id, remarks(span, this.tree)]));
    this.whole = timeOf(trace.spans, Math.max(options.spanNs ?? 0, SMALLEST_NS));
    this.zoom = options.zoom ?? { ...this.whole };
    this.closed = new Set();
    this.logs = new Map();
    this.found = [];
    this.prefix = newId('span');
    this.build(element);
    this.layOut();
    this.select(options.selected ?? '', { quiet: true });
  }

  build(element) {
    const { compact } = this.options;
    this.axis = timeAxis();
    this.tree_ = h('div.span-tree', {
      role: 'tree',
      tabindex: 0,
      'aria-label': `${plural(this.rows.length, 'span')} of the trace`,
      onkeydown: (event) => this.key(event),
      onclick: (event) => this.clicked(event),
    });
    this.scroller = h('div.span-scroller', { class: compact ? 'compact' : '' }, this.axis.element, this.tree_);
    this.map = compact ? null : traceMap(this.rows, this.whole, (zoom) => this.setZoom(zoom));
    fill(element, !compact && this.tools(), this.map?.element, this.scroller);
    this.window = new RowWindow(this.scroller, this.tree_, (n) => this.drawn(n));
    this.scroller.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    this.widths = new ResizeObserver(() => this.axis.set(this.zoom));
    this.widths.observe(this.scroller);
  }

  tools() {
    const id = newId('find');
    this.count = h('span.muted', { role: 'status' });
    this.find = h('input', {
      id,
      type: 'search',
      'data-search': '',
      placeholder: 'service, operation, attribute …',
      spellcheck: 'false',
      oninput: () => this.search(),
      onkeydown: (event) => this.findKey(event),
    });
    const button = (text, label, act) => h('button', { type: 'button', 'aria-label': label, title: label, onclick: act }, text);
    return h(
      'div.span-tools',
      null,
      h('label', { for: id }, 'Find'),
      this.find,
      this.count,
      h('span.spring'),
      button('−', 'Zoom out', () => this.scaleBy(2)),
      button('+', 'Zoom in', () => this.scaleBy(0.5)),
      button('‹', 'Earlier', () => this.pan(-0.25)),
      button('›', 'Later', () => this.pan(0.25)),
      button('Whole', 'The whole time', () => this.setZoom({ ...this.whole })),
      button('Collapse', 'Show the first two levels only', () => this.fold(true)),
      button('Expand', 'Show every span', () => this.fold(false)),
    );
  }

  /** Which rows are in sight of the tree: those under a closed one are not. */
  layOut() {
    this.shown = [];
    for (let n = 0; n < this.rows.length; n += 1) {
      this.shown.push(this.rows[n]);
      if (this.closed.has(this.rows[n].span.id)) n += this.rows[n].below;
    }
    this.at = this.shown.findIndex((row) => row.span.id === this.selected?.id);
    this.window.reset(this.shown.length);
    this.axis.set(this.zoom);
    this.map?.set(this.zoom);
  }

  drawn(n) {
    const row = this.shown[n];
    const { id } = row.span;
    return drawRow(row, {
      id: `${this.prefix}-${n}`,
      open: !this.closed.has(id),
      selected: n === this.at,
      match: this.found.includes(id),
      remarks: this.remarks.get(id),
      outside: outside(row.span, this.tree),
      pathNs: this.pathNs.get(id) ?? 0,
      segments: this.onPath.get(id) ?? [],
      logs: this.logs.get(id)?.length ?? 0,
      mark: this.options.marks?.get(id),
      zoom: this.zoom,
    });
  }

  exclusiveOf(span) {
    return exclusive(span, this.tree.children.get(span.id) ?? []);
  }

  // ---- selection

  /** Select a span by its id (the root where it is unknown): opens what hides it, scrolls to it, tells the page. */
  select(id, { quiet = false } = {}) {
    const span = this.tree.byId.get(id) ?? this.tree.root;
    if (!this.shown.some((row) => row.span === span)) this.openTo(span);
    this.selected = span;
    this.move(
      this.shown.findIndex((row) => row.span === span),
      quiet,
    );
  }

  openTo(span) {
    for (
      let up = this.tree.byId.get(span.parent), n = 0;
      up && n < this.rows.length;
      up = this.tree.byId.get(up.parent), n += 1
    )
      this.closed.delete(up.id);
    this.layOut();
  }

  move(to, quiet = false) {
    const n = Math.min(Math.max(to, 0), this.shown.length - 1);
    const before = this.at;
    this.at = n;
    this.selected = this.shown[n].span;
    this.window.renew(before);
    this.window.reveal(n, AXIS_PX);
    this.window.renew(n);
    this.tree_.setAttribute('aria-activedescendant', `${this.prefix}-${n}`);
    this.options.onSelect?.(this.selected, { quiet });
  }

  clicked(event) {
    const row = event.target.closest('[data-span]');
    if (!row) return;
    this.tree_.focus({ preventScroll: true });
    this.move(this.shown.findIndex((each) => each.span.id === row.dataset.span));
    if (event.target.closest('[data-toggle]')) this.toggle();
  }

  toggle(open = this.closed.has(this.selected.id)) {
    if (!this.shown[this.at].below) return;
    if (open) this.closed.delete(this.selected.id);
    else this.closed.add(this.selected.id);
    this.layOut();
    this.move(this.at, true);
  }

  fold(close) {
    this.closed = new Set(close ? this.rows.filter((row) => row.depth >= 1 && row.below).map((row) => row.span.id) : []);
    this.layOut();
    this.select(this.shown.some((row) => row.span === this.selected) ? this.selected.id : '', { quiet: true });
  }

  /** Log lines by span id, once they are there. */
  setLogs(bySpan) {
    this.logs = bySpan;
    this.window.redraw();
  }

  // ---- time

  setZoom(zoom) {
    const size = Math.min(Math.max(zoom.to - zoom.from, SMALLEST_NS), this.whole.to - this.whole.from);
    const from = Math.min(Math.max(zoom.from, this.whole.from), this.whole.to - size);
    this.zoom = { from, to: from + size };
    this.axis.set(this.zoom);
    this.map?.set(this.zoom);
    this.window.redraw();
    this.options.onZoom?.(size === this.whole.to - this.whole.from ? null : this.zoom);
  }

  /** In or out by a factor, around a share of the view (0 left, 1 right). */
  scaleBy(factor, around = 0.5) {
    const size = this.zoom.to - this.zoom.from;
    const at = this.zoom.from + size * around;
    this.setZoom({ from: at - size * factor * around, to: at + size * factor * (1 - around) });
  }

  pan(share) {
    const by = (this.zoom.to - this.zoom.from) * share;
    this.setZoom({ from: this.zoom.from + by, to: this.zoom.to + by });
  }

  wheel(event) {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (event.ctrlKey) {
      const box = this.axis.element.lastChild.getBoundingClientRect();
      this.scaleBy(event.deltaY > 0 ? 1.25 : 0.8, Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
    } else if (sideways) this.pan(sideways / 800);
    else return;
    event.preventDefault();
  }

  // ---- search and keyboard

  search() {
    const text = this.find.value.trim().toLowerCase();
    this.found = text ? this.rows.filter(({ span }) => holds(span, text)).map(({ span }) => span.id) : [];
    this.count.textContent = text ? plural(this.found.length, 'span') : '';
    this.window.redraw();
  }

  findKey(event) {
    if (event.key === 'Enter' && this.found.length) {
      event.preventDefault();
      const step = event.shiftKey ? -1 : 1;
      const now = this.found.indexOf(this.selected.id);
      this.select(this.found[(now + step + this.found.length) % this.found.length]);
      announce(`${this.found.indexOf(this.selected.id) + 1} of ${this.found.length}`);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      this.find.value = '';
      this.search();
      this.tree_.focus();
    }
  }

  key(event) {
    const act = this.acts(event)[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  acts({ shiftKey }) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / 26) - 2);
    const down = () => this.move(this.at + 1);
    const up = () => this.move(this.at - 1);
    return {
      ArrowDown: down,
      j: down,
      ArrowUp: up,
      k: up,
      Home: () => this.move(0),
      End: () => this.move(this.shown.length - 1),
      PageDown: () => this.move(this.at + page),
      PageUp: () => this.move(this.at - page),
      ArrowRight: () => (shiftKey ? this.pan(0.1) : this.inward()),
      ArrowLeft: () => (shiftKey ? this.pan(-0.1) : this.outward()),
      Enter: () => this.toggle(),
      ' ': () => this.toggle(),
      '+': () => this.scaleBy(0.5),
      '=': () => this.scaleBy(0.5),
      '-': () => this.scaleBy(2),
      0: () => this.setZoom({ ...this.whole }),
      Escape: () => this.setZoom({ ...this.whole }),
    };
  }

  inward() {
    if (this.closed.has(this.selected.id)) this.toggle(true);
    else if (this.shown[this.at].below) this.move(this.at + 1);
  }

  outward() {
    if (this.shown[this.at].below && !this.closed.has(this.selected.id)) this.toggle(false);
    else if (this.tree.byId.has(this.selected.parent)) this.select(this.selected.parent);
  }

  focus() {
    this.tree_.focus({ preventScroll: true });
  }

  end() {
    this.window.end();
    this.widths.disconnect();
  }
}
