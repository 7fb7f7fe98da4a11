// What every chart shares: a figure that follows its width, scales, axes, time marks, a tooltip, its data as a table.

import { append, fill, h, svg } from './dom.js';
import { table as tableOf } from './tables.js';
import { clock, DAYS_MS, tick, utc } from './time.js';

const MOST_ROWS = 500;
export const MARGIN = { top: 8, right: 12, bottom: 22, left: 54 };

/**
 * A figure. `draw(width)` answers an <svg>; it is called anew as the width changes. `table()` answers {head, rows} for
 * those who read rather than look. `actions` stand beside the title.
 */
export function figure({ title, note, draw, table, height = 0, actions = [], legend = null }) {
  const plot = h('div.plot', { style: { 'min-height': `${height}px` } });
  const body = h('div');
  const listed = ({ head, rows }) => tableOf(head, rows.slice(0, MOST_ROWS), { kind: 'small' });
  const data = h(
    'details.data',
    { ontoggle: () => data.open && fill(body, listed(table())) },
    h('summary', null, 'Data'),
    body,
  );
  const tip = h('div.tip', { hidden: true });
  const place = h(
    'figure.chart',
    null,
    title &&
      h(
        'figcaption',
        null,
        h('span.chart-title', null, title),
        note && h('span.muted', null, note),
        h('span.actions', null, actions),
      ),
    h('div.stage', null, plot, tip),
    legend,
    table && data,
  );
  let width = 0;
  const redraw = () => {
    if (width > 0) fill(plot, draw(width, new Tip(tip, plot)));
  };
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (Math.abs(now - width) < 1) return;
    width = now;
    redraw();
  }).observe(plot);
  place.redraw = redraw;
  return place;
}

/** The box that follows the pointer. */
class Tip {
  constructor(element, plot) {
    this.element = element;
    this.plot = plot;
  }

  show(x, y, content) {
    fill(this.element, content);
    this.element.hidden = false;
    const half = this.element.offsetWidth / 2;
    const left = Math.min(Math.max(x, half + 2), this.plot.clientWidth - half - 2);
    this.element.style.setProperty('left', `${left}px`);
    this.element.style.setProperty('top', `${Math.max(y, 0)}px`);
  }

  hide() {
    this.element.hidden = true;
  }
}

/** A scale from [low, high] to pixels; `log` needs low > 0. */
export function scale(low, high, from, to, log = false) {
  const map = log ? Math.log10 : (value) => value;
  const [a, b] = [map(low), map(high)];
  const size = b - a || 1;
  const at = (value) => from + ((map(log ? Math.max(value, low) : value) - a) / size) * (to - from);
  at.back = (pixel) => {
    const value = a + ((pixel - from) / (to - from)) * size;
    return log ? 10 ** value : value;
  };
  return at;
}

/** Round values that divide [low, high] into about `count` parts. */
export function ticks(low, high, count = 4) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= raw) ?? power * 10;
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1)
    found.push(Number((n * step).toPrecision(12)));
  return found;
}

/** 1, 10, 100 … within a range, with 2 and 5 where it is short. */
export function logTicks(low, high) {
  const found = [];
  const many = Math.log10(high / low) > 3.5;
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high) + 1e-9; power += 1) {
    for (const each of many ? [1] : [1, 2, 5]) {
      const value = Number((each * 10 ** power).toPrecision(6));
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found;
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Moments on the viewer's clock for an axis. */
export function timeTicks(from, to, count) {
  const step = (STEPS_S.find((each) => each * 1000 >= (to - from) / count) ?? 86_400) * 1000;
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const found = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) found.push(at);
  return found;
}

/**
 * An <svg> with both axes: {root, inner, x, y, area}. `values` are the y axis' ticks as [value, text]; `marks` are
 * moments to draw across: {at, title}.
 */
export function frame({ width, height, range, y, values, label, marks = [], left = MARGIN.left }) {
  const area = { left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
  const x = scale(range.from, range.to, area.left, area.right);
  const yAt = y(area);
  const room = range.to - range.from > DAYS_MS ? 110 : 75; // px for a moment's text
  const root = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': label });
  const inner = svg('g');
  append(root, [
    svg(
      'g.axis',
      { 'aria-hidden': 'true' },
      values.map(([value, text]) => [
        svg('line', { x1: area.left, x2: area.right, y1: yAt(value), y2: yAt(value) }),
        svg('text', { x: area.left - 6, y: yAt(value) + 4, 'text-anchor': 'end' }, short(text)),
      ]),
      timeTicks(range.from, range.to, Math.max(2, Math.floor((area.right - area.left) / room))).map((at) =>
        svg('text', { x: x(at), y: height - 6, 'text-anchor': anchorOf(x(at), area) }, tick(at, range.to - range.from)),
      ),
    ),
    inner,
    timeMarks(marks, range, x, area),
  ]);
  return { root, inner, x, y: yAt, area };
}

/** An axis has round values: 500.0 ms is 500 ms, 1.50 s is 1.5 s. */
const short = (text) =>
  text
    .replace(/(\.\d*?)0+(?=\D|$)/, '$1')
    .replace(/\.(?=\D|$)/, '')
    .replace(/^0 µs$/, '0');

function anchorOf(at, area) {
  if (at < area.left + 26) return 'start';
  return at > area.right - 26 ? 'end' : 'middle';
}

/** Deployments and the like: a dashed line with a flag, named for the pointer and for screen readers. */
export function timeMarks(marks, range, x, area) {
  return marks
    .filter(({ at }) => at >= range.from && at <= range.to)
    .map(({ at, title }) => {
      const text = `${title}, ${clock(at)}`;
      return svg(
        'g.mark',
        { role: 'img', 'aria-label': text },
        svg('title', null, `${title}\n${clock(at)} (${utc(at)})`),
        svg('line', { x1: x(at), x2: x(at), y1: area.top, y2: area.bottom }),
        svg('path', { d: `M${x(at)} ${area.top}l7 4-7 4z` }),
      );
    });
}

/** Drag across to look at that time: onPick(from, to). The keyboard has the time picker of the page's head for it. */
export function brush({ root, x, area }, onPick) {
  if (!onPick) return;
  const band = svg('rect.brush', { y: area.top, height: area.bottom - area.top, visibility: 'hidden' });
  root.append(band);
  let start = null;
  const within = (event) => Math.min(Math.max(event.clientX - root.getBoundingClientRect().left, area.left), area.right);
  root.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || event.pointerType === 'touch' || event.target.closest('a')) return;
    start = within(event);
    root.setPointerCapture(event.pointerId);
  });
  root.addEventListener('pointermove', (event) => {
    if (start === null) return;
    const now = within(event);
    band.setAttribute('x', Math.min(start, now));
    band.setAttribute('width', Math.abs(now - start));
    band.setAttribute('visibility', Math.abs(now - start) > 4 ? 'visible' : 'hidden');
  });
  root.addEventListener('pointerup', (event) => {
    if (start === null) return;
    const [from, to] = [start, within(event)].sort((a, b) => a - b);
    start = null;
    band.setAttribute('visibility', 'hidden');
    if (to - from > 6) onPick(x.back(from), x.back(to));
  });
}

/** Points that lead somewhere: one stop for the Tab key, arrows go from one to the next. */
export function links(points, label) {
  const all = points.map((point, n) => {
    const anchor = svg(
      'a.point',
      { href: point.href, tabindex: n === 0 ? 0 : -1, 'aria-label': point.label, class: point.class ?? '' },
      svg('title', null, point.label),
      point.shape ?? svg('circle', { cx: point.x, cy: point.y, r: point.r ?? 4 }),
    );
    anchor.addEventListener('keydown', (event) => walk(event, all, n));
    return anchor;
  });
  return svg('g.points', { role: 'group', 'aria-label': `${label}: arrow keys go from one to the next` }, all);
}

function walk(event, all, n) {
  const to = { ArrowRight: n + 1, ArrowDown: n + 1, ArrowLeft: n - 1, ArrowUp: n - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all[to]) return;
  event.preventDefault();
  all[n].setAttribute('tabindex', -1);
  all[to].setAttribute('tabindex', 0);
  all[to].focus();
}

export function legend(series, onToggle) {
  return h(
    'ul.legend',
    null,
    series.map((each, n) =>
      h(
        'li',
        null,
        onToggle
          ? h(
              'button',
              { type: 'button', 'aria-pressed': String(!each.off), onclick: () => onToggle(n) },
              h(`span.swatch.${each.colour}`),
              each.name,
            )
          : [h(`span.swatch.${each.colour}`), each.name],
      ),
    ),
  );
}
