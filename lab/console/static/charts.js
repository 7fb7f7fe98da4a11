// Lines, points and stacked bars over time.

import { brush, figure, frame, legend, links, logTicks, scale, ticks } from './chart_frame.js';
import { fill, h, svg } from './dom.js';
import { number } from './format.js';
import { seriesColour } from './palette.js';
import { clock, tipTime } from './time.js';

/**
 * Lines over time. `series`: [{name, points: [[ms, value]], colour?, dashed?}]; `format` prints values; `low`/`high` hold
 * the axis; `thresholds` are [value, text]; `marks` {at, title}; `onPick(from, to)` a drag across.
 */
export function lineChart({
  title,
  note,
  series,
  range,
  format = number,
  low = 0,
  high,
  height = 180,
  marks,
  thresholds = [],
  onPick,
  actions,
}) {
  const shown = series.map((each, n) => ({ colour: seriesColour(n), off: false, ...each }));
  const key = h('div');
  const place = figure({
    title,
    note,
    actions,
    height,
    legend: key,
    table: () => lineTable(shown, format),
    draw: (width, tip) => drawLines({ title, shown, range, format, low, high, height, marks, thresholds, onPick, width, tip }),
  });
  const toggle = (n) => {
    shown[n].off = !shown[n].off;
    drawKey();
    place.redraw();
  };
  const drawKey = () => fill(key, shown.length > 1 && legend(shown, toggle));
  drawKey();
  return place;
}

function drawLines({ title, shown, range, format, low, high, height, marks, thresholds, onPick, width, tip }) {
  const on = shown.filter((each) => !each.off);
  const values = on.flatMap((each) => each.points.map(([, value]) => value)).filter(Number.isFinite);
  const [bottom, top] = extent(values, low, high, thresholds);
  const chart = frame({
    width,
    height,
    range,
    marks,
    label: `${title}: ${described(on, format)}`,
    y: (area) => scale(bottom, top, area.bottom, area.top),
    values: ticks(bottom, top).map((value) => [value, format(value)]),
  });
  for (const [value, text] of thresholds) {
    chart.inner.append(
      svg(
        'g.threshold',
        null,
        svg('title', null, text),
        svg('line', { x1: chart.area.left, x2: chart.area.right, y1: chart.y(value), y2: chart.y(value) }),
      ),
    );
  }
  for (const each of on)
    chart.inner.append(
      svg('path', { class: `line ${each.colour} ${each.dashed ? 'dashed' : ''}`, d: linePath(each.points, chart, range) }),
    );
  hover(chart, on, format, tip);
  brush(chart, onPick);
  return chart.root;
}

/** The axis' ends: what is asked for, or what the values and thresholds need. */
function extent(values, low, high, thresholds) {
  const known = [...values, ...thresholds.map(([value]) => value)];
  const bottom = Math.min(low ?? Infinity, ...known, Infinity);
  const top = high ?? Math.max(...known, -Infinity);
  const from = Number.isFinite(bottom) ? bottom : 0;
  const to = Number.isFinite(top) && top > from ? top + (high === undefined ? (top - from) * 0.06 : 0) : from + 1;
  return [low === null ? tickBelow(from, to) : from, to];
}

/** An axis that begins where its values do has a tick below them, so that they can be read. */
function tickBelow(from, to) {
  const [first, second] = ticks(from, to);
  return first > from && second > first ? first - (second - first) : from;
}

/** A path that breaks where values are missing for more than three steps, or are no numbers. */
function linePath(points, { x, y }, range) {
  const gap = Math.max(3 * ((points[1]?.[0] ?? 0) - (points[0]?.[0] ?? 0)), (range.to - range.from) / 50);
  let path = '';
  let last = -Infinity;
  for (const [at, value] of points) {
    if (!Number.isFinite(value)) {
      last = -Infinity;
      continue;
    }
    path += `${at - last > gap ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    if (at - last > gap) path += 'h0.01'; // a lone point shows as a dot
    last = at;
  }
  return path;
}

function hover({ root, x, area }, series, format, tip) {
  const line = svg('line.cursor', { y1: area.top, y2: area.bottom, visibility: 'hidden' });
  root.append(line);
  root.addEventListener('pointermove', (event) => {
    const at = x.back(event.clientX - root.getBoundingClientRect().left);
    const near = series.map((each) => ({ ...each, point: nearest(each.points, at) })).filter((each) => each.point);
    if (!near.length) return;
    const moment = near[0].point[0];
    line.setAttribute('x1', x(moment));
    line.setAttribute('x2', x(moment));
    line.setAttribute('visibility', 'visible');
    tip.show(x(moment), area.top, [
      tipTime(moment),
      near
        .sort((a, b) => b.point[1] - a.point[1])
        .slice(0, 10)
        .map((each) => h('p', null, h(`span.swatch.${each.colour}`), each.name, h('b', null, format(each.point[1])))),
    ]);
  });
  root.addEventListener('pointerleave', () => {
    line.setAttribute('visibility', 'hidden');
    tip.hide();
  });
}

function nearest(points, at) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < at) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1];
  return before && at - before[0] < Math.abs(points[low][0] - at) ? before : points[low];
}

function described(series, format) {
  if (!series.length) return 'no data';
  const last = series.slice(0, 6).map((each) => `${each.name} now ${format(each.points.at(-1)?.[1])}`);
  return `${series.length} lines over time; ${last.join(', ')}`;
}

function lineTable(series, format) {
  const moments = [...new Set(series.flatMap((each) => each.points.map(([at]) => at)))].sort((a, b) => b - a).slice(0, 200);
  const maps = series.map((each) => new Map(each.points));
  return {
    head: ['Time', ...series.map((each) => each.name)],
    rows: moments.map((at) => [clock(at), ...maps.map((each) => (each.has(at) ? format(each.get(at)) : ''))]),
  };
}

/** Points over time that lead somewhere. `points`: [{at, value, label, href, colour, error}]; the y axis is logarithmic. */
export function pointChart({ title, note, points, range, format, height = 170, marks, onPick, what = 'traces' }) {
  const known = points.filter((each) => each.value > 0);
  const top = Math.max(...known.map((each) => each.value), 1e-9) * 1.3;
  const bottom = Math.min(...known.map((each) => each.value), top / 20) / 1.3;
  return figure({
    title,
    note,
    height,
    table: () => ({
      head: ['Time', 'Value', 'What'],
      rows: known.map((each) => [clock(each.at), format(each.value), h('a', { href: each.href }, each.label)]),
    }),
    draw: (width) => {
      const chart = frame({
        width,
        height,
        range,
        marks,
        label: `${title}: ${known.length} ${what}`,
        y: (area) => scale(bottom, top, area.bottom, area.top, true),
        values: logTicks(bottom, top).map((value) => [value, format(value)]),
      });
      const drawn = known.map((each) => ({
        ...each,
        x: chart.x(each.at),
        y: chart.y(each.value),
        class: `${each.colour ?? 'c1'} ${each.error ? 'error' : ''}`,
        shape: shapeOf(chart.x(each.at), chart.y(each.value), each.error),
      }));
      chart.inner.append(links(drawn, `${known.length} ${what}`));
      brush(chart, onPick);
      return chart.root;
    },
  });
}

/** An error is a cross, so that it shows without its colour. */
function shapeOf(x, y, error) {
  return error ? svg('path', { d: `M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8` }) : svg('circle', { cx: x, cy: y, r: 4 });
}

/** Stacked bars over time. `bins`: [{at, parts: {name: count}}] of `stepMs` each; `parts`: [{name, class}] from below. */
export function barChart({ title, note, bins, stepMs, parts, range, height = 110, onPick }) {
  const total = (bin) => parts.reduce((sum, { name }) => sum + (bin.parts[name] ?? 0), 0);
  const top = Math.max(...bins.map(total), 1);
  const used = parts.filter(({ name }) => bins.some((bin) => bin.parts[name]));
  return figure({
    title,
    note,
    height,
    legend: h(
      'ul.legend',
      null,
      used.map((each) => h('li', null, h('span.swatch', { class: each.class }), each.name)),
    ),
    table: () => ({
      head: ['Time', ...used.map((each) => each.name)],
      rows: bins.map((bin) => [clock(bin.at), ...used.map(({ name }) => number(bin.parts[name] ?? 0))]),
    }),
    draw: (width, tip) => {
      const chart = frame({
        width,
        height,
        range,
        label: `${title}: ${number(bins.reduce((sum, bin) => sum + total(bin), 0))} in all`,
        y: (area) => scale(0, top, area.bottom, area.top),
        values: ticks(0, top, 2).map((value) => [value, number(value)]),
      });
      for (const bin of bins) chart.inner.append(bar(bin, used, stepMs, chart, tip));
      brush(chart, onPick);
      return chart.root;
    },
  });
}

function bar(bin, parts, stepMs, { x, y, area }, tip) {
  const left = Math.max(x(bin.at), area.left);
  const width = Math.max(Math.min(x(bin.at + stepMs), area.right) - left - 1, 1);
  let below = 0;
  const stack = parts
    .filter(({ name }) => bin.parts[name])
    .map((each) => {
      const from = below;
      below += bin.parts[each.name];
      return svg('rect', { class: each.class, x: left, width, y: y(below), height: Math.max(y(from) - y(below), 0.5) });
    });
  const text = parts
    .filter(({ name }) => bin.parts[name])
    .map(({ name }) => h('p', null, name, h('b', null, number(bin.parts[name]))));
  return svg(
    'g',
    {
      onpointerenter: () => tip.show(left, area.top, [tipTime(bin.at), text]),
      onpointerleave: () => tip.hide(),
    },
    stack,
  );
}
