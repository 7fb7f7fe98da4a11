// The live map: services, Redis and the edges between them with rate, errors and p99, drawn from the service graph.

import { prometheus } from './backends.js';
import { changed, every, head } from './controls.js';
import { fill, h, newId, svg } from './dom.js';
import { percent, rate, roughSeconds, seconds } from './format.js';
import { layOut } from './map_layout.js';
import { colour, serviceName } from './palette.js';
import { empty, show as fillWith } from './states.js';
import { numeric, table } from './tables.js';
import { clock } from './time.js';

export const title = 'Map';
const PREFIX = 'traces_service_graph_request';
const WINDOW = '1m';
const SLOW_S = 0.1;
const FAILING = 0.01;

export async function show(main, context) {
  const map = h('section.panel.map', { 'aria-label': 'Services and the calls between them', hidden: true });
  const list = h('section.panel');
  main.append(
    head(context, 'Map', {
      refresh: true,
      asked: () => [['map', labelsOf(context.query)]],
      note: 'The calls of the last minute of the time above. Pick a service or a call: every page then looks at it.',
    }),
    map,
    list,
  );
  let width = 0;
  let graph = null;
  const draw = () => graph?.edges.length && fill(map, drawMap(context, graph, width));
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 2) return;
    width = entry.contentRect.width;
    draw();
  }).observe(map);
  every(context, (again) =>
    fillWith(
      list,
      () => read(context),
      (found) => {
        graph = found;
        map.hidden = false;
        width ||= map.clientWidth;
        if (!found.edges.length) fill(map, nothing(context));
        else if (!(again && map.contains(document.activeElement))) draw();
        return found.edges.length ? drawTable(context, found) : null;
      },
    ),
  );
}

function nothing({ range }) {
  return empty(
    range.last ? 'No calls in the last minute' : `No calls in the minute before ${clock(range.to)}`,
    'The map shows the service graph, which follows traffic by about 15 s. `make load` sends some; `faultline predict` sends one prediction.',
  );
}

/** The service graph: {edges: [{client, server, rate, errors, p99}], nodes: [{name, rate, errors, p99}]}. */
async function read(context) {
  const options = { signal: context.signal };
  const at = context.range.last ? null : context.range.to;
  const by = (labels, what) => [
    `sum by (${labels}) (rate(${PREFIX}_total[${WINDOW}]))`,
    `sum by (${labels}) (rate(${PREFIX}_failed_total[${WINDOW}]))`,
    `histogram_quantile(0.99, sum by (le, ${labels}) (rate(${PREFIX}_${what}_seconds_bucket[${WINDOW}])))`,
  ];
  const queries = [...by('client, server', 'client'), ...by('server', 'server')];
  const found = await Promise.all(queries.map((query) => prometheus.now(query, options, at)));
  const edges = joined(found.slice(0, 3), ({ client, server }) => `${client} ${server}`).filter((each) => each.rate > 0);
  const nodes = joined(found.slice(3), ({ server }) => server).filter((each) => each.rate > 0);
  return {
    edges: edges.map((each) => ({ ...each, ...each.labels })),
    nodes: nodes.map((each) => ({ ...each, name: each.labels.server })),
  };
}

function joined([rates, failures, quantiles], key) {
  const failed = new Map(failures.map((each) => [key(each.labels), each.value]));
  const slow = new Map(quantiles.map((each) => [key(each.labels), each.value]));
  return rates.map(({ labels, value }) => ({
    labels,
    rate: value,
    errors: (failed.get(key(labels)) ?? 0) / value,
    p99: slow.get(key(labels)) ?? NaN,
  }));
}

/** The filter as labels of the service graph's series. */
function labelsOf(query) {
  const labels = [
    ['client', query.get('client')],
    ['server', query.get('service')],
  ].filter(([, value]) => value);
  return labels.length ? `{${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}}` : '';
}

const health = ({ errors, p99 }) => (errors > FAILING ? 'bad' : p99 > SLOW_S ? 'slow' : 'well');
const inWords = (each) => `${rate(each.rate)}, ${percent(each.errors)} errors, p99 ${seconds(each.p99)}`;

/** Where a click leads: the same page with that filter, or without where it is set already. */
function toggled(context, service, client = null) {
  const same = context.query.get('service') === service && (context.query.get('client') ?? null) === client;
  return context.go(changed(same ? { service: null, client: null } : { service, client }));
}

function drawMap(context, { nodes, edges }, width) {
  const plan = layOut(
    nodes.map((each) => each.name),
    edges,
    width,
  );
  const facts = new Map(nodes.map((each) => [each.name, each]));
  return h(
    'div.map-stage',
    { style: { height: `${plan.height}px` } },
    lines(context, plan),
    plan.edges.map((edge) => edgeLabel(context, edge, plan.narrow)),
    plan.nodes.map((place) => node(context, place, facts.get(place.name))),
  );
}

/** The edges themselves, as thick as they are busy. */
function lines(context, { edges, width, height }) {
  const marker = newId('arrow');
  const fastest = Math.max(...edges.map((each) => each.rate));
  return svg(
    'svg.edges',
    { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
    svg('defs', null, arrow(marker)),
    edges.map((edge) =>
      svg('path', {
        class: `edge ${health(edge)} ${picked(context, edge.server, edge.client) ? 'picked' : ''}`,
        d: edge.path,
        'stroke-width': (1.2 + 3 * Math.sqrt(edge.rate / fastest)).toFixed(1),
        'marker-end': `url(#${marker})`,
      }),
    ),
  );
}

function arrow(id) {
  const size = { viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 10, markerHeight: 10 };
  return svg('marker', { id, ...size, markerUnits: 'userSpaceOnUse', orient: 'auto' }, svg('path.arrow', { d: 'M0 0 8 4 0 8z' }));
}

const picked = ({ query }, service, client = null) =>
  query.get('service') === service && (query.get('client') ?? null) === client;

function node(context, place, facts) {
  const outside = !facts; // "user" calls and is not called
  return h(
    outside ? 'div.node' : 'button.node',
    {
      class: `${colour(place.name)} ${facts ? health(facts) : 'outside'} ${picked(context, place.name) ? 'picked' : ''}`,
      style: { left: `${place.x}px`, top: `${place.y}px`, width: `${place.width}px`, height: `${place.height}px` },
      ...(outside
        ? {}
        : {
            type: 'button',
            'aria-pressed': String(picked(context, place.name)),
            'aria-label': `${place.name}: ${inWords(facts)}`,
            onclick: () => toggled(context, place.name),
          }),
    },
    h('span.node-name', null, place.name === 'user' ? 'callers' : place.name),
    facts && h('span.node-facts', null, figureOf(facts)),
  );
}

function figureOf(facts) {
  return [
    h('span', null, rate(facts.rate)),
    h('span', { class: facts.errors > FAILING ? 'bad' : '' }, `${percent(facts.errors)} errors`),
    h('span', { class: facts.p99 > SLOW_S ? 'warn' : '' }, `p99 ${roughSeconds(facts.p99)}`),
  ];
}

function edgeLabel(context, edge, narrow) {
  return h(
    'button.edge-label',
    {
      type: 'button',
      style: { left: `${edge.labelX}px`, top: `${edge.labelY}px` },
      class: `${health(edge)} ${picked(context, edge.server, edge.client) ? 'picked' : ''}`,
      'aria-pressed': String(picked(context, edge.server, edge.client)),
      'aria-label': `${edge.client} to ${edge.server}: ${inWords(edge)}`,
      onclick: () => toggled(context, edge.server, edge.client),
    },
    narrow ? h('span', null, roughSeconds(edge.p99)) : figureOf(edge),
  );
}

/** The same in a table: for those who read, and to follow with a click. */
function drawTable(context, { edges }) {
  const sorted = [...edges].sort((a, b) => b.rate - a.rate);
  return table(
    ['From', 'To', 'Rate', 'Errors', 'p99, seen by the caller', 'Look at'],
    sorted.map((edge) => ({
      class: health(edge),
      cells: [
        serviceName(edge.client),
        serviceName(edge.server),
        numeric(rate(edge.rate)),
        numeric(h('span', { class: edge.errors > FAILING ? 'badge bad' : '' }, percent(edge.errors))),
        numeric(h('span', { class: edge.p99 > SLOW_S ? 'badge warn' : '' }, seconds(edge.p99))),
        lookAt(context, edge),
      ],
    })),
    { label: 'Calls between services' },
  );
}

function lookAt({ link }, { client, server }) {
  return h(
    'span.links',
    null,
    ['traces', 'logs', 'metrics'].map((page) =>
      h(
        'a',
        { href: link(`/${page}`, { service: server, client }), 'aria-label': `${page} of ${client} to ${server}` },
        page,
      ),
    ),
  );
}
