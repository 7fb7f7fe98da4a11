// Objectives with what is left of their budgets, and the alerts that fire.

import { prometheus } from './backends.js';
import { h } from './dom.js';
import { number, percent } from './format.js';
import { serviceName } from './palette.js';
import { empty } from './states.js';
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

function card(context, each) {
  const state = !Number.isFinite(each.left) ? 'unknown' : each.left <= 0 ? 'bad' : each.left < 0.25 ? 'warn' : 'good';
  const left = Number.isFinite(each.left) ? Math.max(0, Math.min(1, each.left)) : 0;
  return h(
    'article.panel.promise',
    { class: state },
    h('h3', null, each.title),
    h(
      'p.muted',
      null,
      `${percent(each.objective)} over ${windowText(each.window_s)}${each.marketplace_time ? ' of the marketplace' : ''}`,
    ),
    h(
      'div.budget',
      null,
      h('span.budget-bar', { 'aria-hidden': 'true' }, h('span', { style: { width: `${left * 100}%` } })),
      h('span.budget-left', null, leftText(each.left)),
    ),
    h(
      'p.burns',
      null,
      each.burns.map(({ window, rate }) =>
        h(
          'span',
          { class: rate > 14.4 ? 'badge bad' : rate > 1 ? 'badge warn' : 'badge' },
          `burns ${Number.isFinite(rate) ? `${number(rate)}×` : '–'} over ${window}`,
        ),
      ),
    ),
    h('p.small', null, h('span.muted', null, 'Guards '), each.guards, h('span.muted', null, ' · owner '), each.owner),
    h(
      'details',
      null,
      h('summary', null, 'The promise'),
      h('p', null, each.promise),
      h('p', null, h('span.muted', null, 'When it is spent: '), each.when_spent),
    ),
    h(
      'p.links',
      null,
      h(
        'a',
        {
          href: context.link('/traces', { q: each.traces, service: null, client: null }),
          'aria-label': `Traces that break it: ${each.title}`,
        },
        'Traces that break it',
      ),
      h(
        'a',
        { href: context.link('/metrics', { q: each.budget_query }), 'aria-label': `Its budget over time: ${each.title}` },
        'Budget over time',
      ),
    ),
  );
}

function leftText(left) {
  if (!Number.isFinite(left)) return 'nothing measured yet';
  return left > 0
    ? [h('b', null, percent(left)), ' of the budget left']
    : [h('b', null, 'Spent'), ` ${number(1 - left)} times over`];
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
    'div.panel.scroll-x',
    null,
    h(
      'table.rows',
      null,
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['Alert', 'Severity', 'Service', 'Since', 'What it says', 'What to do'].map((each) =>
            h('th', { scope: 'col' }, each),
          ),
        ),
      ),
      h(
        'tbody',
        null,
        shown.map((each) =>
          h(
            'tr',
            null,
            h('th', { scope: 'row' }, each.name),
            h(
              'td',
              null,
              h('span.badge', { class: each.severity === 'page' ? 'bad' : 'warn' }, each.severity),
              each.state !== 'active' && ` ${each.state}`,
            ),
            h('td', null, each.service ? serviceName(each.service) : '–'),
            h('td', null, stamp(each.starts_at * 1000), h('span.muted', null, ` ${ago(each.starts_at * 1000)}`)),
            h('td.wide', null, each.summary),
            h(
              'td',
              null,
              h(
                'span.links',
                null,
                h('a', { href: runbook(context, each), 'aria-label': `Runbook of ${each.name}` }, 'Runbook'),
                each.traces_query &&
                  h(
                    'a',
                    { href: context.link('/traces', { q: each.traces_query }), 'aria-label': `Traces of ${each.name}` },
                    'Traces',
                  ),
              ),
            ),
          ),
        ),
      ),
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
