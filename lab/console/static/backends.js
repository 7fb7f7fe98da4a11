// Tempo, Loki, Prometheus and Alertmanager through the lab, in the shapes that pages use. Times are Unix ms.

import { api, ApiError } from './api.js';
import { stepOf } from './time.js';

const LOKI = '/loki/api/v1';
const TEMPO = '/tempo/api';
const PROMETHEUS = '/prometheus/api/v1';
const s = (ms) => (ms / 1000).toFixed(3);

export const prometheus = {
  /** An instant query: [{labels, value}]. */
  async now(query, options, at) {
    const { data } = await api.get(`${PROMETHEUS}/query`, { query, time: at ? s(at) : undefined }, options);
    if (data.resultType === 'scalar') return [{ labels: {}, value: Number(data.result[1]) }];
    return data.result.filter((row) => row.value).map((row) => ({ labels: row.metric, value: Number(row.value[1]) }));
  },
  /** A range query: [{labels, points: [[ms, value]]}] on a grid that moves with whole steps. */
  async range(query, range, options = {}) {
    const step = options.step ?? stepOf(range);
    const start = Math.floor(range.from / 1000 / step) * step;
    const end = Math.floor(range.to / 1000 / step) * step;
    const { data } = await api.get(`${PROMETHEUS}/query_range`, { query, start, end, step }, options);
    return data.result
      .filter((row) => row.values)
      .map((row) => ({ labels: row.metric, points: row.values.map(([at, value]) => [at * 1000, Number(value)]) }));
  },
  /** Exemplars of a query's series: [{at, value, traceId, labels}], oldest first. */
  async exemplars(query, range, options) {
    const { data } = await api.get(`${PROMETHEUS}/query_exemplars`, { query, start: s(range.from), end: s(range.to) }, options);
    return data
      .flatMap((row) =>
        row.exemplars.map((each) => ({
          at: each.timestamp * 1000,
          value: Number(each.value),
          traceId: each.labels.trace_id ?? '',
          labels: row.seriesLabels,
        })),
      )
      .sort((a, b) => a.at - b.at);
  },
  names: async (options) => (await api.get(`${PROMETHEUS}/label/__name__/values`, {}, options)).data,
  labels: async (match, options) => (await api.get(`${PROMETHEUS}/labels`, { 'match[]': match }, options)).data,
  values: async (label, match, options) =>
    (await api.get(`${PROMETHEUS}/label/${encodeURIComponent(label)}/values`, { 'match[]': match }, options)).data,
};

export const tempo = {
  /** Traces of a TraceQL query, newest first. */
  async search(q, range, limit = 100, options) {
    const found = await api.get(
      `${TEMPO}/search`,
      { q, limit, spss: 3, start: Math.floor(range.from / 1000), end: Math.ceil(range.to / 1000) },
      options,
    );
    return (found.traces ?? []).map(summary).sort((a, b) => b.at - a.at);
  },
  /** The answer of a trace by id, or null where it is unknown. */
  async trace(id, options) {
    try {
      return await api.get(`${TEMPO}/traces/${id}`, {}, options);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  },
  scopes: async (options) => (await api.get(`${TEMPO}/v2/search/tags`, {}, options)).scopes ?? [],
  values: async (tag, q, options) =>
    (await api.get(`${TEMPO}/v2/search/tag/${encodeURIComponent(tag)}/values`, { q }, options)).tagValues ?? [],
};

function summary(row) {
  const stats = row.serviceStats ?? {};
  const sets = row.spanSets ?? (row.spanSet ? [row.spanSet] : []);
  return {
    id: row.traceID.padStart(32, '0'),
    service: row.rootServiceName ?? '',
    name: row.rootTraceName ?? '',
    at: Number(BigInt(row.startTimeUnixNano ?? 0) / 1_000_000n),
    ms: row.durationMs ?? 0,
    services: Object.keys(stats),
    spans: Object.values(stats).reduce((sum, each) => sum + (each.spanCount ?? 0), 0),
    errors: Object.values(stats).reduce((sum, each) => sum + (each.errorCount ?? 0), 0),
    matched: sets.reduce((sum, each) => sum + (each.matched ?? 0), 0),
    matches: sets.flatMap((each) => each.spans ?? []).map((each) => ({ id: each.spanID, name: each.name ?? '' })),
  };
}

export const loki = {
  /** Lines of a LogQL query, newest first. `from` and `to` may be bigint nanoseconds. */
  async lines(query, { from, to }, limit = 500, options = {}) {
    const { data } = await api.get(
      `${LOKI}/query_range`,
      { query, start: ns(from), end: ns(to), limit, direction: options.forward ? 'forward' : 'backward' },
      options,
    );
    if (data.resultType !== 'streams')
      throw new ApiError(400, 'This query counts', 'Ask for lines here: without rate() or count_over_time().');
    return data.result.flatMap(({ stream, values }) => values.map((entry) => line(stream, entry))).sort(newestFirst);
  },
  /** A counting query over time: [{labels, points: [[ms, value]]}]. */
  async range(query, { from, to }, step, options) {
    const { data } = await api.get(`${LOKI}/query_range`, { query, start: ns(from), end: ns(to), step: `${step}s` }, options);
    if (data.resultType !== 'matrix') throw new ApiError(400, 'This query does not count', '');
    return data.result.map((row) => ({
      labels: row.metric,
      points: row.values.map(([at, value]) => [at * 1000, Number(value)]),
    }));
  },
  labels: async (options) => (await api.get(`${LOKI}/labels`, {}, options)).data ?? [],
  values: async (label, options) =>
    (await api.get(`${LOKI}/label/${encodeURIComponent(label)}/values`, {}, options)).data ?? [],
};

const ns = (moment) => String(typeof moment === 'bigint' ? moment : BigInt(Math.round(moment)) * 1_000_000n);
const newestFirst = (a, b) => (a.ns < b.ns ? 1 : a.ns > b.ns ? -1 : 0);

function line(labels, [at, body]) {
  return {
    ns: BigInt(at),
    at: Number(BigInt(at) / 1_000_000n),
    body,
    labels,
    service: labels.service_name ?? '',
    level: levelOf(labels),
    traceId: labels.trace_id ?? '',
    spanId: labels.span_id ?? '',
  };
}

const levelOf = (labels) => (labels.severity_text || labels.detected_level || labels.level || '').toUpperCase();
