// Traces by TraceQL: a box with completion, durations over time as points, a table to open and compare from.

import { tempo } from './backends.js';
import { pointChart } from './charts.js';
import { completeTraceQL } from './completions.js';
import { between, changed, every, head } from './controls.js';
import { h, newId } from './dom.js';
import { duration, plural } from './format.js';
import { colour, serviceName } from './palette.js';
import { queryBox } from './querybox.js';
import { empty, NOTHING_YET, show as fillWith } from './states.js';
import { numeric, table } from './tables.js';
import { stamp } from './time.js';

export const title = 'Traces';
const EXAMPLES = [
  ['Slow predictions', '{ resource.service.name = "gateway" && name = "POST /v1/predictions" && duration > 100ms }'],
  ['Errors', '{ status = error }'],
  ['Degraded answers', '{ span.prediction.degraded = true }'],
  ['Long waits for a batch', '{ name = "batch_wait" && duration > 50ms }'],
  ['Slow Redis', '{ span.db.system.name = "redis" && duration > 10ms }'],
  ['Slow on v2', '{ name = "model_inference" && span.ml.model.version = "v2" && duration > 30ms }'],
  [
    'gateway over cv_model',
    '{ resource.service.name = "gateway" } >> { resource.service.name = "cv_model" && duration > 50ms }',
  ],
];
const LIMITS = [20, 100, 500];
const SORTS = {
  newest: (a, b) => b.at - a.at,
  slowest: (a, b) => b.ms - a.ms,
  errors: (a, b) => b.errors - a.errors || b.at - a.at,
};

/** The query that the map's filter stands for. */
export function filterQuery(query) {
  const service = query.get('service');
  const client = query.get('client');
  if (!service) return '{ }';
  const is = (name) => `resource.service.name = ${JSON.stringify(name)}`;
  // Redis and the world outside send no spans of their own: the caller's client spans tell of them.
  if (service === 'redis') return `{ ${client ? `${is(client)} && ` : ''}span.db.system.name = "redis" }`;
  return client && client !== 'user' ? `{ ${is(client)} } >> { ${is(service)} && kind = server }` : `{ ${is(service)} }`;
}

export async function show(main, context) {
  const asked = context.query.get('q') ?? filterQuery(context.query);
  const limit = LIMITS.find((each) => String(each) === context.query.get('limit')) ?? 100;
  const box = queryBox({
    label: 'TraceQL',
    value: asked,
    complete: completeTraceQL,
    examples: EXAMPLES,
    run: (q) => context.go(changed({ q })),
  });
  const results = h('div.results');
  main.append(head(context, 'Traces', { refresh: true, asked: () => [['traceql', asked]] }), box.element, results);
  const look = () => tempo.search(asked || '{ }', context.range, limit, { signal: context.signal });
  every(context, (again) => fillWith(results, look, (found) => drawn(context, found, limit), { again }));
  document.addEventListener('keydown', (event) => rows(event, results), { signal: context.signal });
}

function drawn(context, found, limit) {
  if (!found.length) return empty('No trace matches', `${NOTHING_YET} Or look at a longer time, or try an example.`);
  const sort = context.query.get('sort') in SORTS ? context.query.get('sort') : 'newest';
  const sorted = [...found].sort(SORTS[sort]);
  const full = found.length >= limit;
  return [
    h(
      'div.panel',
      null,
      pointChart({
        title: 'Duration',
        note: `each point is a trace; crosses have errors${full ? `; the newest ${limit} reach back so far` : ''}`,
        range: full ? reached(found, context.range) : { ...context.range },
        format: (ms) => duration(ms * 1e6),
        points: found.map((each) => ({
          at: each.at,
          value: Math.max(each.ms, 0.5),
          href: context.link(`/trace/${each.id}`),
          colour: colour(each.service),
          error: each.errors > 0,
          label: `${each.service} ${each.name}, ${each.ms} ms${each.errors ? ', with errors' : ''}`,
        })),
        onPick: (from, to) => between(context, from, to),
      }),
    ),
    h('div.panel', null, tools(context, found, sort, limit), list(context, sorted)),
  ];
}

/** The part of the range that a full answer covers: over the whole of it the points would lie on one another. */
function reached(found, { to }) {
  const oldest = Math.min(...found.map((each) => each.at));
  return { from: oldest - Math.max((to - oldest) * 0.02, 500), to };
}

function tools(context, found, sort, limit) {
  const ids = { sort: newId('sort'), limit: newId('limit') };
  const compare = h(
    'button',
    {
      type: 'button',
      disabled: true,
      'data-compare': '',
      onclick: () => context.go(context.link(`/compare/${chosen(compare).join('/')}`)),
    },
    'Compare the two ticked',
  );
  const full = found.length >= limit ? `The newest ${limit} of more` : plural(found.length, 'trace');
  return h(
    'div.table-tools',
    null,
    h('h2', null, full),
    h('span.spring'),
    compare,
    h('label', { for: ids.sort }, 'Order'),
    h(
      'select',
      { id: ids.sort, onchange: (event) => context.go(changed({ sort: event.target.value })) },
      Object.keys(SORTS).map((each) => h('option', { value: each, selected: each === sort }, each)),
    ),
    h('label', { for: ids.limit }, 'At most'),
    h(
      'select',
      { id: ids.limit, onchange: (event) => context.go(changed({ limit: event.target.value })) },
      LIMITS.map((each) => h('option', { value: each, selected: each === limit }, each)),
    ),
  );
}

const chosen = (within) => [...within.closest('.panel').querySelectorAll('input:checked')].map((box) => box.value);

function ticked(event) {
  const panel = event.target.closest('.panel');
  panel.querySelector('[data-compare]').disabled = chosen(event.target).length !== 2;
}

const HEADS = ['Root', 'Duration', 'Started', 'Spans', 'Services', 'Errors', 'Matches'];

function list(context, found) {
  const slowest = Math.max(...found.map((each) => each.ms), 1);
  return table(
    [h('span.hidden-text', null, 'Compare'), ...HEADS],
    found.map((each) => [
      h('input', {
        type: 'checkbox',
        value: each.id,
        'aria-label': `Compare trace ${each.id.slice(0, 8)}`,
        onchange: ticked,
      }),
      h(
        'a.row-link',
        { href: context.link(`/trace/${each.id}`) },
        serviceName(each.service || '(no root yet)'),
        ` ${each.name}`,
      ),
      took(each, slowest),
      h('td.when', null, stamp(each.at, { millis: true })),
      numeric(each.spans || '–'),
      numeric(each.services.length || '–'),
      numeric(each.errors ? h('span.badge.bad', null, each.errors) : '0'),
      h('td.muted', null, matchesOf(each)),
    ]),
    { kind: 'traces' },
  );
}

function took({ ms, service }, slowest) {
  return [
    h('span.meter', null, h('span', { class: colour(service), style: { width: `${(ms / slowest) * 100}%` } })),
    h('span.figure', null, rough(ms)),
  ];
}

/** A search knows whole milliseconds. */
const rough = (ms) => (ms < 1 ? '< 1 ms' : ms < 1000 ? `${ms} ms` : duration(ms * 1e6));

/** The spans that matched, by name where the answer has names. */
function matchesOf({ matches, matched }) {
  const names = [...new Set(matches.map((span) => span.name).filter(Boolean))];
  return names.length ? `${names.slice(0, 2).join(', ')}${matched > 1 ? ` (${matched})` : ''}` : plural(matched, 'span');
}

/** j and k go through the rows, as the arrows do once one has the focus. */
function rows(event, results) {
  if (event.target.closest?.('input, select, textarea, svg, dialog') || event.ctrlKey || event.metaKey || event.altKey) return;
  const step =
    { j: 1, k: -1 }[event.key] ??
    (event.target.classList?.contains('row-link') ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined);
  const all = [...results.querySelectorAll('.row-link')];
  if (!step || !all.length) return;
  event.preventDefault();
  const now = all.indexOf(document.activeElement);
  all[Math.min(Math.max(now + step, 0), all.length - 1)].focus();
}
