// The overview's charts: latency as a heat map with exemplars, quality by model version.

import { prometheus } from './backends.js';
import { lineChart } from './charts.js';
import { between, pinButton } from './controls.js';
import { h } from './dom.js';
import { number, percent, seconds } from './format.js';
import { heatMap } from './heat_map.js';
import { empty } from './states.js';
import { stepOf } from './time.js';

const CONVERSION = 'conversion_model';
export const COLUMNS = 60;
const EXAMPLES = 150;
const SLOW_S = 0.1;

// ---- latency ----

/** The histogram that is looked at: predictions, or the requests of the service that the filter names. */
function histogramOf({ query }) {
  const service = query.get('service');
  if (!service || service === 'redis')
    return { selector: 'prediction_duration_seconds_bucket{service_name="gateway"}', what: 'Predictions at the gateway' };
  return {
    selector: `http_request_duration_seconds_bucket{service_name=${JSON.stringify(service)}, route!~"/healthz.*|/readyz.*"}`,
    what: `Requests of ${service}`,
  };
}

export async function readLatency(context) {
  const { selector, what } = histogramOf(context);
  const step = stepOf(context.range, COLUMNS);
  const window = Math.max(step, 15);
  const asked = [
    `sum by (le) (increase(${selector}[${window}s]))`,
    ...[0.5, 0.99].map((q) => `histogram_quantile(${q}, sum by (le) (rate(${selector}[1m])))`),
  ];
  const [exemplars, buckets, p50, p99] = await Promise.all([
    prometheus.exemplars(selector, context.range, { signal: context.signal }),
    ...asked.map((query) => prometheus.range(query, context.range, { signal: context.signal, step })),
  ]);
  return {
    what,
    asked,
    step,
    range: { ...context.range },
    bands: bandsOf(buckets, step),
    exemplars: exemplars.filter((each) => each.traceId),
    p50,
    p99,
  };
}

/** Cumulative buckets as bands between their edges, from the slowest down: [{low, high, values: Map(ms → count)}]. */
function bandsOf(buckets, step) {
  const sorted = buckets
    .map(({ labels, points }) => ({ edge: Number(labels.le.replace('+Inf', 'Infinity')), points: new Map(points) }))
    .sort((a, b) => a.edge - b.edge);
  const bands = sorted.map(({ edge, points }, n) => {
    const below = n ? sorted[n - 1] : { edge: 0, points: new Map() };
    const values = [...points]
      .map(([at, value]) => [at - step * 1000, value - (below.points.get(at) ?? 0)])
      .filter(([, value]) => value > 0.01);
    return { low: below.edge, high: edge, values: new Map(values) };
  });
  return bands.reverse();
}

export function drawLatency(context, found, marks) {
  const most = Math.max(...found.bands.flatMap((band) => [...band.values.values()]), 0);
  if (!most) return empty('No requests in this time', '`make load` sends some. New counts show after 5 to 10 s.');
  return h(
    'div.grid.two',
    null,
    h('div.panel', null, latencyMap(context, found, marks, most)),
    h('div.panel', null, latencyLines(context, found, marks)),
  );
}

function latencyMap(context, { bands, exemplars, range, step, what }, marks, most) {
  return heatMap({
    title: what,
    note: 'each row a bucket, each point a trace',
    times: [...new Set(bands.flatMap((band) => [...band.values.keys()]))].sort((a, b) => a - b),
    stepMs: step * 1000,
    range,
    marks,
    rowHeight: 17,
    left: 58,
    onPick: (from, to) => between(context, from, to),
    rows: bands.map((band) => ({
      name: `${seconds(band.low)} to ${band.high === Infinity ? 'more' : seconds(band.high)}`,
      values: band.values,
    })),
    axis: bands.slice(1).map((band, n) => [n + 1, seconds(band.high)]),
    strength: (value) => 0.12 + 0.88 * Math.sqrt(value / most),
    format: (value) => `${number(Math.round(value))} requests`,
    points: thinned(exemplars).map((each) => ({
      at: each.at,
      row: rowAt(bands, each.value),
      href: context.link(`/trace/${each.traceId}`),
      class: each.value > SLOW_S ? 'slow' : '',
      label: `Trace of ${seconds(each.value)}`,
      r: each.value > SLOW_S ? 4.5 : 3,
    })),
  });
}

function latencyLines(context, { asked, p50, p99, range, what }, marks) {
  return lineChart({
    title: 'Median and p99',
    range,
    format: seconds,
    height: 225,
    marks,
    thresholds: [[SLOW_S, 'the objective: 100 ms']],
    onPick: (from, to) => between(context, from, to),
    series: [
      ...p50.map(({ points }) => ({ name: 'median', points })),
      ...p99.map(({ points }) => ({ name: 'p99', points })),
    ],
    actions: [
      pinButton(context, 'chart', () => ({
        title: `${what}: p99`,
        query: asked.at(-1),
        language: 'promql',
        time: range.to / 1000,
      })),
    ],
  });
}

/** The slow ones all, of the others as many as can be told apart. */
function thinned(exemplars) {
  const slow = exemplars.filter((each) => each.value > SLOW_S).slice(-EXAMPLES);
  const others = exemplars.filter((each) => each.value <= SLOW_S);
  const every = Math.ceil(others.length / Math.max(EXAMPLES - slow.length, 30));
  return [...slow, ...others.filter((_, n) => n % every === 0)].sort((a, b) => a.at - b.at);
}

/** How far down a value lies: within its band by proportion. */
function rowAt(bands, value) {
  const n = bands.findIndex((band) => value > band.low);
  if (n < 0) return bands.length - 0.5;
  const { low, high } = bands[n];
  return n + (high === Infinity ? 0.5 : 1 - (value - low) / (high - low));
}

// ---- quality ----

const QUALITY = [
  {
    title: 'Precision',
    query: `model:precision:window{model_name="${CONVERSION}"}`,
    low: `model:precision_low:window{model_name="${CONVERSION}"}`,
    threshold: [0.95, 'the objective: 95 %'],
  },
  { title: 'Conversion', query: `model:converted_share:window{model_name="${CONVERSION}"}` },
];

export async function readQuality(context) {
  const options = { signal: context.signal };
  const range = { ...context.range };
  return {
    range,
    charts: await Promise.all(
      QUALITY.map(async (each) => ({
        ...each,
        series: await prometheus.range(each.query, range, options),
        lows: each.low ? await prometheus.range(each.low, range, options) : [],
      })),
    ),
  };
}

export function drawQuality(context, { charts, range }, marks) {
  if (charts.every(({ series }) => !series.length)) {
    return empty(
      'No outcomes yet',
      'Whether users converted comes hours to days of marketplace time after the prediction; the traffic of `faultline up` reports it.',
    );
  }
  return h(
    'div.grid.two',
    null,
    charts.map(({ title, series, lows, threshold }) =>
      h(
        'div.panel',
        null,
        series.length
          ? lineChart({
              title: `${title} by model version`,
              range,
              format: percent,
              low: null,
              high: 1,
              height: 180,
              marks,
              thresholds: threshold ? [threshold] : [],
              series: [
                ...series.map((each) => named(each)),
                ...lows.map((each) => ({ ...named(each), name: `${each.labels.model_version} at least (95 %)`, dashed: true })),
              ],
              onPick: (from, to) => between(context, from, to),
            })
          : empty(`No ${title.toLowerCase()} yet`, 'Nobody was said to convert in this window, or no outcome came back.'),
      ),
    ),
  );
}

const named = ({ labels, points }) => ({
  name: labels.model_version,
  points,
  colour: labels.model_version === 'v1' ? 'c1' : 'c4',
});
