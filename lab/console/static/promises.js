// Objectives with what is left of their budgets, and the alerts that fire.

import { prometheus } from './backends.js';
import { h } from './dom.js';
import { number, percent } from './format.js';
import { serviceName } from './palette.js';
import { empty } from './states.js';
import { rowHead, table } from './tables.js';
import { ago, stamp } from './time.js';

const DAY_S = 86_400;
const NOW_WINDOWS = ['5m', '1h'];

/** Objectives with their present values: budget left, how fast it burns by window. */
export async function readObjectives(context) {
  const { objectives } = await context.api.get('/api/slo', {}, { signal: context.signal });
  return Promise.all(
    objectives.map(async (each) => {
      const windows = each.burn.filter(({ window }) => NOW_WINDOWS.includes(window) || each.burn.length === 1);
      const [left, ...burns] = await Promise.all(
        [each.budget_query, ...windows.map(({ query }) => query)].map((query) => value(query, context)),
      );
      return { ...each, left, burns: windows.map(({ window }, n) => ({ window, rate: burns[n] })) };
    }),
  );
}

async function value(query, { range, signal }) {
  const [first] = await prometheus.now(query, { signal }, range.last ? null : range.to);
  return first ? first.value : NaN;
}

export function drawObjectives(context, objectives) {
  return h(
    'div.grid.cards',
    null,
    objectives.map((each) => card(context, each)),
  );
}

const FAST = 14.4; // a month's budget in two days: what a page is sent for

function card(context, each) {
  const state = stateOf(each.left);
  return h(
    'article.panel.promise',
    { class: state },
    h('h3', null, each.title),
    h(
      'p.muted',
      null,
      `${percent(each.objective)} over ${windowText(each.window_s)}${each.marketplace_time ? ' of the marketplace' : ''}`,
    ),
    budget(each.left, state),
    h('p.burns', null, each.burns.map(burn)),
    h('p.small', null, h('span.muted', null, 'Guards '), each.guards, h('span.muted', null, ' · owner '), each.owner),
    h(
      'details',
      null,
      h('summary', null, 'The promise'),
      h('p', null, each.promise),
      h('p', null, h('span.muted', null, 'When it is spent: '), each.when_spent),
    ),
    h('p.links', null, lookFurther(context, each)),
  );
}

function stateOf(left) {
  if (!Number.isFinite(left)) return 'unknown';
  return left <= 0 ? 'bad' : left < 0.25 ? 'warn' : 'good';
}

/** What is left as a bar and in words; what is spent fills the bar, in a pattern of its own. */
function budget(left, state) {
  const shown = state === 'bad' ? 1 : Math.max(0, Math.min(1, left || 0));
  return h(
    'div.budget',
    null,
    h('span.budget-bar', { 'aria-hidden': 'true' }, h('span', { style: { width: `${shown * 100}%` } })),
    h('span.budget-left', null, leftText(left)),
  );
}

function burn({ window, rate }) {
  const kind = rate > FAST ? 'badge bad' : rate > 1 ? 'badge warn' : 'badge';
  return h('span', { class: kind }, `burns ${Number.isFinite(rate) ? `${number(rate)}×` : '–'} over ${window}`);
}

function lookFurther({ link }, { title, traces, budget_query: query }) {
  return [
    h(
      'a',
      { href: link('/traces', { q: traces, service: null, client: null }), 'aria-label': `Traces that break it: ${title}` },
      'Traces that break it',
    ),
    h('a', { href: link('/metrics', { q: query }), 'aria-label': `Its budget over time: ${title}` }, 'Budget over time'),
  ];
}

function leftText(left) {
  if (!Number.isFinite(left)) return 'nothing measured yet';
  return left > 0
    ? [h('b', null, percent(left)), ' of the budget left']
    : [h('b', null, 'Spent'), `: ${number(1 - left)}× what may fail`];
}

const windowText = (seconds) => (seconds >= DAY_S ? `${number(seconds / DAY_S)} d` : `${number(seconds / 3600)} h`);

export async function readAlerts({ api, signal }) {
  return (await api.get('/api/alerts', {}, { signal })).alerts;
}

export function drawAlerts(context, alerts) {
  const service = context.query.get('service');
  const shown = service ? alerts.filter((each) => !each.service || each.service === service) : alerts;
  if (!shown.length)
    return empty(
      service && alerts.length ? `No alert names ${service}` : 'No alert fires',
      'What wakes whom, and when, stands in `docs/slo.md`.',
    );
  return h(
    'div.panel',
    null,
    table(
      ['Alert', 'Severity', 'Service', 'Since', 'What it says', 'What to do'],
      shown.map((each) => [
        rowHead(each.name),
        [
          h('span.badge', { class: each.severity === 'page' ? 'bad' : 'warn' }, each.severity),
          each.state !== 'active' && ` ${each.state}`,
        ],
        each.service ? serviceName(each.service) : '–',
        h('td', null, stamp(each.starts_at * 1000), h('span.muted', null, ` ${ago(each.starts_at * 1000)}`)),
        h('td.wide', null, each.summary),
        whatToDo(context, each),
      ]),
      { label: 'Alerts that fire' },
    ),
  );
}

function whatToDo(context, alert) {
  return h(
    'span.links',
    null,
    h('a', { href: runbook(context, alert), 'aria-label': `Runbook of ${alert.name}` }, 'Runbook'),
    alert.traces_query &&
      h(
        'a',
        { href: context.link('/traces', { q: alert.traces_query }), 'aria-label': `Traces of ${alert.name}` },
        'Traces',
      ),
  );
}

/** A runbook's queries are about what the alert names. */
function runbook(context, { runbook: path, labels }) {
  const named = Object.fromEntries(
    Object.entries(labels).filter(([name]) =>
      /^(service_name|slo|peer|pool|model_name|model_version|feature|segment)$/.test(name),
    ),
  );
  return context.link(path, named);
}
