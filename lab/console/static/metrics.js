// Metrics by PromQL: a chart over time and a table of what holds now.

import { prometheus } from './backends.js';
import { lineChart } from './charts.js';
import { completePromQL } from './completions.js';
import { between, changed, every, head, pinButton } from './controls.js';
import { deploymentMarks } from './deployments.js';
import { h } from './dom.js';
import { formatFor, plural } from './format.js';
import { queryBox } from './querybox.js';
import { empty, show as fillWith } from './states.js';
import { table } from './tables.js';
import { clock, stepOf } from './time.js';

export const title = 'Metrics';
const EXAMPLES = [
  ['Predictions by outcome', 'sum by (outcome) (rate(predictions_total[1m]))'],
  ['p99 by service', 'histogram_quantile(0.99, sum by (le, service_name) (rate(http_request_duration_seconds_bucket[1m])))'],
  [
    'p99 by step',
    'histogram_quantile(0.99, sum by (le, service_name, span_name) (rate(traces_spanmetrics_latency_bucket{span_kind="SPAN_KIND_INTERNAL"}[1m])))',
  ],
  ['Pools: share in use', 'max by (service_name, pool) (pool_in_use) / max by (service_name, pool) (pool_limit)'],
  ['Event loop lag, p99', 'histogram_quantile(0.99, sum by (le, service_name) (rate(event_loop_lag_seconds_bucket[1m])))'],
  ['Memory', 'process_resident_memory_bytes{service_name!~"prometheus|.*exporter"}'],
  ['Drift (PSI)', 'feature:psi:window'],
];
const MOST_SERIES = 40;
const MOST_ROWS = 200;

function filterQuery(query) {
  const service = query.get('service');
  if (!service) return '';
  if (service === 'redis')
    return 'sum by (cmd) (rate(redis_commands_duration_seconds_total[1m])) / sum by (cmd) (rate(redis_commands_total[1m]))';
  return `sum by (route, status) (rate(http_requests_total{service_name=${JSON.stringify(service)}}[1m]))`;
}

export async function show(main, context) {
  const query = context.query.get('q') ?? filterQuery(context.query);
  const box = queryBox({
    label: 'PromQL',
    value: query,
    complete: completePromQL,
    examples: EXAMPLES,
    placeholder: 'a metric’s name, or an expression',
    run: (q) => context.go(changed({ q })),
  });
  const chart = h('div.panel');
  const list = h('div.panel');
  main.append(head(context, 'Metrics', { refresh: true, asked: query && (() => [['promql', query]]) }), box.element);
  if (!query) {
    main.append(empty('Ask for something', 'Type a metric’s name above and take one of the completions, or try an example.'));
    box.input.focus({ preventScroll: true });
    return;
  }
  main.append(chart, list);
  const options = { signal: context.signal };
  every(context, (again) => {
    fillWith(
      chart,
      () => Promise.all([prometheus.range(query, context.range, options), deploymentMarks(context)]),
      ([series, marks]) => drawChart(context, query, series, marks),
      { again },
    );
    fillWith(
      list,
      () => prometheus.now(query, options, context.range.last ? null : context.range.to),
      (rows) => drawTable(query, rows, context),
      { again },
    );
  });
}

/** What tells a series from the others of its answer. */
export function seriesName(labels, common = new Set()) {
  const { __name__: name = '', ...rest } = labels;
  const parts = Object.entries(rest)
    .filter(([label]) => !common.has(label))
    .map(([label, value]) => `${label}=${value}`);
  return parts.length === 1 && !name
    ? parts[0].slice(parts[0].indexOf('=') + 1) || parts[0]
    : `${name}${parts.length ? `{${parts.join(', ')}}` : ''}` || 'value';
}

/** Labels that have the same value everywhere say nothing. */
export function commonLabels(all) {
  if (all.length < 2) return new Set();
  return new Set(
    Object.keys(all[0].labels).filter(
      (label) => label !== '__name__' && all.every((each) => each.labels[label] === all[0].labels[label]),
    ),
  );
}

function drawChart(context, query, found, marks) {
  if (!found.length)
    return empty(
      'No series',
      'The name or a label may be misspelt, or nothing was counted in this time. The completion lists what there is.',
    );
  const common = commonLabels(found);
  const shown = found.slice(0, MOST_SERIES).map((each) => ({ name: seriesName(each.labels, common), points: each.points }));
  return lineChart({
    title:
      found.length > MOST_SERIES
        ? `The first ${MOST_SERIES} of ${found.length} series`
        : plural(found.length, 'series', 'series'),
    note: `every ${stepOf(context.range)} s`,
    series: shown,
    range: { ...context.range },
    format: formatFor(query),
    height: 300,
    marks,
    onPick: (from, to) => between(context, from, to),
    actions: [
      pinButton(context, 'chart', () => ({
        title: query.slice(0, 160),
        query,
        language: 'promql',
        time: context.range.to / 1000,
        path: `/metrics?${new URLSearchParams({ q: query, from: Math.round(context.range.from), to: Math.round(context.range.to) })}`,
      })),
    ],
  });
}

function drawTable(query, rows, context) {
  if (!rows.length) return h('p.muted', null, 'Nothing holds at the end of this time.');
  const labels = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))].sort();
  const format = formatFor(query);
  const sorted = [...rows].sort((a, b) => b.value - a.value);
  return [
    h('h2', null, `At ${clock(context.range.to)}`),
    table(
      [...labels.map((each) => (each === '__name__' ? 'name' : each)), 'Value'],
      sorted
        .slice(0, MOST_ROWS)
        .map((row) => [
          ...labels.map((each) => row.labels[each] ?? ''),
          h('td.figure', { title: String(row.value) }, format(row.value)),
        ]),
      { label: 'Values by series' },
    ),
  ];
}
