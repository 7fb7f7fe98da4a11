// "Open in Grafana": what a view asks, in Grafana's Explore. Its address is as Grafana documents it (Explore, URL schema):
// `panes` by id, each with a data source, queries and a time, and `schemaVersion` 1. The uids are those of deploy/grafana.

import { h, icon, ICONS } from './dom.js';

/** By language: the data source, and how it takes a query. A map's query is the labels of the service graph. */
const WAYS = {
  promql: ['prometheus', (expr) => ({ expr, editorMode: 'code' })],
  logql: ['loki', (expr) => ({ expr, editorMode: 'code' })],
  traceql: ['tempo', (query) => ({ queryType: 'traceql', query })],
  map: ['tempo', (query) => ({ queryType: 'serviceMap', serviceMapQuery: query })],
};

/** Explore with a pane for each of `panes`, [language, …queries]; `range` {from, to} in Unix ms, or {last} that moves on. */
export function exploreUrl(base, panes, range) {
  const time = range.last
    ? { from: `now-${range.last}`, to: 'now' }
    : { from: String(Math.round(range.from)), to: String(Math.round(range.to)) };
  const made = panes.map(([language, ...queries], n) => [letter(n).toLowerCase(), paneOf(language, queries, time)]);
  const query = new URLSearchParams({ schemaVersion: '1', panes: JSON.stringify(Object.fromEntries(made)), orgId: '1' });
  return `${base.replace(/\/$/, '')}/explore?${query}`;
}

function paneOf(language, queries, range) {
  const [uid, as] = WAYS[language];
  return {
    datasource: uid,
    queries: queries.map((query, n) => ({ refId: letter(n), datasource: { type: uid, uid }, ...as(query) })),
    range,
  };
}

const letter = (n) => String.fromCharCode(65 + n);

/** The link; null where there is no Grafana. `panes()` and the range are read when it is reached for, as they may have moved on. */
export function openInGrafana({ state, range }, panes, { at = range } = {}) {
  if (!state?.grafana) return null;
  const anchor = h('a.button.quiet', { target: '_blank', rel: 'noopener noreferrer' }, icon(ICONS.out), ' Open in Grafana');
  const set = () => {
    anchor.href = exploreUrl(state.grafana, panes(), at);
  };
  set();
  anchor.addEventListener('pointerdown', set);
  anchor.addEventListener('focus', set);
  return anchor;
}
