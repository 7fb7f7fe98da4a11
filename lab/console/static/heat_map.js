// A heat map over time: latency by bucket, drift by feature.

import { brush, figure, frame, links, MARGIN } from './chart_frame.js';
import { h, svg } from './dom.js';
import { number } from './format.js';
import { clock, tipTime } from './time.js';

/**
 * A grid of rows × time. `rows`: [{name, href?, values: Map(ms → value)}] from top to bottom; `strength(value)` is 0 … 1;
 * `loud(value)` outlines a cell; `points`: [{at, row (fraction), label, href}] lie over it.
 */
export function heatMap({
  title,
  note,
  rows,
  times,
  stepMs,
  range,
  strength,
  format = number,
  loud = () => false,
  points = [],
  marks,
  rowHeight = 14,
  left = 70,
  onPick,
  actions,
  axis,
}) {
  const height = rows.length * rowHeight + MARGIN.top + MARGIN.bottom;
  return figure({
    title,
    note,
    actions,
    height,
    table: () => ({
      head: ['Time', ...rows.map((each) => each.name)],
      rows: times.map((at) => [clock(at), ...rows.map((row) => (row.values.has(at) ? format(row.values.get(at)) : ''))]),
    }),
    draw: (width, tip) => {
      const margin = Math.min(left, width * 0.42);
      const chart = frame({
        width,
        height,
        range,
        marks,
        left: margin,
        label: `${title}: ${rows.length} rows over time`,
        y: (area) => (row) => area.top + row * rowHeight,
        values: axis ?? rows.map((row, n) => [n + 0.5, shortened(row.name, margin)]),
      });
      const cell = cellOf(chart, { stepMs, rowHeight, strength, loud, format }, tip);
      chart.inner.append(...rows.flatMap((row, n) => times.map((at) => cell(row, n, at))).filter(Boolean));
      if (points.length)
        chart.inner.append(
          links(
            points.map((each) => ({ ...each, x: chart.x(each.at), y: chart.y(each.row) })),
            `${points.length} examples`,
          ),
        );
      brush(chart, onPick);
      return chart.root;
    },
  });
}

/** A function that makes the cell of a row at a time; null where it has no value or lies outside. */
function cellOf(chart, { stepMs, rowHeight, strength, loud, format }, tip) {
  return (row, n, at) => {
    const value = row.values.get(at);
    const from = Math.max(chart.x(at), chart.area.left);
    const to = Math.min(chart.x(at + stepMs), chart.area.right);
    if (value === undefined || !Number.isFinite(value) || to <= from) return null;
    const told = () => [tipTime(at), h('p', null, row.name, h('b', null, format(value)))];
    return svg('rect', {
      class: loud(value) ? 'heat loud' : 'heat',
      x: from,
      y: chart.y(n) + 0.5,
      width: Math.max(to - from - 0.5, 0.5),
      height: rowHeight - 1,
      'fill-opacity': Math.min(1, Math.max(0.04, strength(value))).toFixed(3),
      onpointerenter: () => tip.show((from + to) / 2, chart.y(n) - 8, told()),
      onpointerleave: () => tip.hide(),
    });
  };
}

function shortened(name, width) {
  const most = Math.max(6, Math.floor((width - 8) / 6.4));
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
