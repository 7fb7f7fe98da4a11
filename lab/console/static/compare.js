// Two traces side by side: where the one spent more time than the other, by operation, and both waterfalls on one scale.

import { tempo } from './backends.js';
import { exclusive } from './critical_path.js';
import { fill, h } from './dom.js';
import { openInGrafana } from './grafana.js';
import { duration } from './format.js';
import { serviceName } from './palette.js';
import { empty } from './states.js';
import { numeric, rowHead, table } from './tables.js';
import { stamp } from './time.js';
import { operation, parseTrace, timeOf } from './trace_model.js';
import { traceView } from './trace_view.js';

export const title = 'Compare';
const ROWS = 12;
const HEADS = [
  'Service',
  'Operation',
  'Path, left',
  'Path, right',
  'Difference',
  'Exclusive, left',
  'Exclusive, right',
  'Spans',
];

export async function show(main, context) {
  const [, , a, b] = context.path.split('/');
  const found = await Promise.all([a, b].map((id) => tempo.trace(id, { signal: context.signal })));
  const [first, second] = found.map((body) => (body ? parseTrace(body) : { spans: [] }));
  if (!first.spans.length) return void fill(main, missing(context, a));
  if (!second.spans.length) return void fill(main, missing(context, b));
  const longest = Math.max(...[first, second].map((trace) => timeOf(trace.spans).to));
  const sides = [h('section.side'), h('section.side')];
  const table = h('section.panel');
  fill(
    main,
    h(
      'div.head',
      null,
      h(
        'div.titles',
        null,
        h('h1', null, 'Two traces'),
        h('p.note', null, 'The left against the right, both on one scale of time.'),
      ),
      h(
        'div.tools',
        null,
        h('a.button', { href: context.link(`/compare/${b}/${a}`) }, 'Swap'),
        openInGrafana(context, () => [a, b].map((id) => ['traceql', id]), { at: around([first, second]) }),
      ),
    ),
    table,
    h('div.sides', null, sides),
  );
  const views = [first, second].map((trace, n) => side(context, sides[n], trace, longest));
  fill(table, differences(views));
  return () => views.forEach((view) => view.end());
}

function missing({ link }, id) {
  return [
    h('h1', null, 'Compare'),
    empty(
      `There is no trace ${id}`,
      'It may be older than what is kept, or not have arrived yet.',
      h('p', null, h('a', { href: link('/traces') }, 'Look for others')),
    ),
  ];
}

/** A minute more than both traces take, in Unix ms. */
function around(traces) {
  const ms = traces.map((trace) => Number(trace.base / 1_000_000n));
  return { from: Math.min(...ms) - 60_000, to: Math.max(...ms) + 60_000 };
}

function side(context, place, trace, longest) {
  const waterfall = h('div.trace-view');
  const view = traceView(waterfall, trace, { compact: true, spanNs: longest });
  const { root } = view.tree;
  fill(
    place,
    h('h2', null, h('a', { href: context.link(`/trace/${root.traceId}`) }, `${root.service}: ${operation(root)}`)),
    h(
      'p',
      null,
      h('b', null, duration(root.end - root.start)),
      h('span.muted', null, ' at '),
      stamp(Number(trace.base / 1_000_000n), { millis: true }),
      ' ',
      h('code', null, root.traceId.slice(0, 8)),
    ),
    waterfall,
  );
  return view;
}

/** By service and operation: time on the critical path and exclusive time in both, largest difference first. */
function differences([left, right]) {
  const rows = merged(totals(left), totals(right))
    .sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta))
    .slice(0, ROWS);
  const most = Math.max(...rows.map((row) => Math.abs(row.delta)), 1);
  const [top] = rows;
  return [
    h('h2', null, 'Where the time differs'),
    top &&
      top.delta !== 0 &&
      h(
        'p.verdict',
        null,
        `The left spends ${duration(Math.abs(top.delta))} ${top.delta > 0 ? 'more' : 'less'} of its critical path in `,
        serviceName(top.service),
        `: ${top.operation}.`,
      ),
    table(
      HEADS,
      rows.map((row) => [
        serviceName(row.service),
        rowHead(row.operation),
        numeric(duration(row.a.path)),
        numeric(duration(row.b.path)),
        delta(row.delta, most),
        numeric(duration(row.a.own)),
        numeric(duration(row.b.own)),
        numeric(row.a.count === row.b.count ? row.a.count : `${row.a.count} / ${row.b.count}`),
      ]),
      { label: 'Differences by operation' },
    ),
  ];
}

function delta(ns, most) {
  const width = `${(Math.abs(ns) / most) * 50}%`;
  return h(
    'span.delta',
    { class: ns > 0 ? 'more' : 'less' },
    h(
      'span.delta-bar',
      { 'aria-hidden': 'true' },
      h('span', { style: ns > 0 ? { left: '50%', width } : { right: '50%', width } }),
    ),
    h('span.delta-text', null, `${ns > 0 ? '+' : ns < 0 ? '−' : ''}${duration(Math.abs(ns))}`),
  );
}

const none = () => ({ path: 0, own: 0, count: 0 });

function totals(view) {
  const found = new Map();
  for (const { span } of view.rows) {
    const key = JSON.stringify([span.service, operation(span)]);
    const row = found.get(key) ?? none();
    row.path += view.pathNs.get(span.id) ?? 0;
    row.own += exclusive(span, view.tree.children.get(span.id) ?? []);
    row.count += 1;
    found.set(key, row);
  }
  return found;
}

function merged(left, right) {
  return [...new Set([...left.keys(), ...right.keys()])].map((key) => {
    const [service, name] = JSON.parse(key);
    const a = left.get(key) ?? none();
    const b = right.get(key) ?? none();
    return { service, operation: name, a, b, delta: a.path - b.path };
  });
}
