// The whole trace in little above its waterfall: drag a part to look at it closely. And the waterfall's time axis.

import { append, fill, h, svg } from './dom.js';
import { duration } from './format.js';
import { colour } from './palette.js';
import { ticks } from './chart_frame.js';

const HEIGHT = 56;
const WIDTH = 1000;
const TICK_PX = 52; // as wide as a time's text may be

/** {element, set(zoom)}: spans as strokes of their services' colours, one path each; `pick({from, to})` on a drag. */
export function traceMap(rows, whole, pick) {
  const shades = [svg('rect.shade', { y: 0, height: HEIGHT }), svg('rect.shade', { y: 0, height: HEIGHT })];
  const band = svg('rect.brush', { y: 0, height: HEIGHT, visibility: 'hidden' });
  const drawing = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    strokes(rows, whole),
    shades,
    band,
  );
  const element = h('div.trace-map', { title: 'Drag a part to look at it closely; double-click for the whole' }, drawing);
  listen(element, drawing, band, whole, pick);
  return { element, set: (zoom) => shade(shades, whole, zoom) };
}

function strokes(rows, whole) {
  const paths = new Map();
  const thick = Math.max(0.8, Math.min(4, HEIGHT / rows.length));
  rows.forEach(({ span }, n) => {
    const key = colour(span.service);
    const from = ((span.start - whole.from) / (whole.to - whole.from)) * WIDTH;
    const size = Math.max(((span.end - span.start) / (whole.to - whole.from)) * WIDTH, 1);
    const y = 2 + ((n + 0.5) / rows.length) * (HEIGHT - 4);
    paths.set(key, `${paths.get(key) ?? ''}M${from.toFixed(1)} ${y.toFixed(1)}h${size.toFixed(1)}`);
  });
  return [...paths].map(([key, d]) => svg(`path.stroke.${key}`, { d, 'stroke-width': thick }));
}

function shade([before, after], whole, zoom) {
  const at = (ns) => ((ns - whole.from) / (whole.to - whole.from)) * WIDTH;
  before.setAttribute('x', 0);
  before.setAttribute('width', Math.max(0, at(zoom.from)));
  after.setAttribute('x', at(zoom.to));
  after.setAttribute('width', Math.max(0, WIDTH - at(zoom.to)));
}

function listen(element, drawing, band, whole, pick) {
  let start = null;
  const at = (event) => {
    const box = drawing.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };
  const time = (share) => whole.from + share * (whole.to - whole.from);
  element.addEventListener('pointerdown', (event) => {
    start = at(event);
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener('pointermove', (event) => {
    if (start === null) return;
    const now = at(event);
    band.setAttribute('x', Math.min(start, now) * WIDTH);
    band.setAttribute('width', Math.abs(now - start) * WIDTH);
    band.setAttribute('visibility', 'visible');
  });
  element.addEventListener('pointerup', (event) => {
    if (start === null) return;
    const [from, to] = [start, at(event)].sort((a, b) => a - b);
    start = null;
    band.setAttribute('visibility', 'hidden');
    if (to - from > 0.005) pick({ from: time(from), to: time(to) });
  });
  element.addEventListener('dblclick', () => pick({ ...whole }));
}

/** The time axis over the lanes: {element, set(zoom)}; times from the trace's start. */
export function timeAxis() {
  const lane = h('span.span-lane.axis-lane');
  const element = h('div.span-axis', { 'aria-hidden': 'true' }, h('span.span-name', null, 'Service and operation'), lane);
  return {
    element,
    set(zoom) {
      const size = zoom.to - zoom.from;
      const last = 1 - TICK_PX / Math.max(lane.clientWidth, 2 * TICK_PX); // a later one would be cut off
      const marks = ticks(zoom.from, zoom.to, lane.clientWidth > 500 ? 6 : 3).filter((ns) => (ns - zoom.from) / size < last);
      fill(
        lane,
        marks.map((ns) =>
          h(
            'span.tick',
            { style: { left: `${((ns - zoom.from) / size) * 100}%` } },
            ns === 0 ? '0' : duration(ns).replace(/\.0+(?= )/, ''),
          ),
        ),
      );
    },
  };
}

/** How the critical path's time divides over services: one bar, with a legend in words. */
export function pathByService(segments) {
  const total = new Map();
  for (const { span, start, end } of segments) total.set(span.service, (total.get(span.service) ?? 0) + end - start);
  const all = [...total.values()].reduce((sum, each) => sum + each, 0) || 1;
  const rows = [...total].sort((a, b) => b[1] - a[1]);
  const bar = h('div.path-bar', { 'aria-hidden': 'true' });
  append(
    bar,
    rows.map(([service, ns]) => h(`span.${colour(service)}`, { style: { 'flex-grow': ns / all } })),
  );
  return h(
    'div.path',
    null,
    h('p.path-title', null, 'Critical path'),
    bar,
    h(
      'ul.legend',
      null,
      rows.map(([service, ns]) =>
        h(
          'li',
          null,
          h(`span.swatch.${colour(service)}`),
          `${service} `,
          h('b', null, duration(ns)),
          h('span.muted', null, ` ${Math.round((ns / all) * 100)} %`),
        ),
      ),
    ),
  );
}
