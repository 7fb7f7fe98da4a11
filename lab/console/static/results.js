// A query's answer where it is needed: a chart for PromQL, a table of traces for TraceQL, lines for LogQL.

import { loki, prometheus, tempo } from './backends.js';
import { lineChart } from './charts.js';
import { h } from './dom.js';
import { duration, formatFor, plural } from './format.js';
import { logLine } from './log_lines.js';
import { commonLabels, seriesName } from './metrics.js';
import { serviceName } from './palette.js';
import { empty, NOTHING_YET, show } from './states.js';
import { stamp } from './time.js';

const MOST = 20;

/** An element that fills itself. `language`: promql, traceql or logql; `range` {from, to} in Unix ms. */
export function resultOf(language, query, range, context) {
  const place = h('div.result');
  const [load, draw] = WAYS[language];
  show(
    place,
    () => load(query, range, { signal: context.signal }),
    (found) => draw(context, found, query, range),
  );
  return place;
}

const WAYS = {
  promql: [(query, range, options) => prometheus.range(query, range, options), drawChart],
  traceql: [(query, range, options) => tempo.search(query, range, MOST, options), drawTraces],
  logql: [(query, range, options) => loki.lines(query, range, MOST * 2, options), drawLines],
};

function drawChart(context, found, query, range) {
  if (!found.length) return empty('No series', 'Nothing was counted under that name in this time.');
  const common = commonLabels(found);
  return lineChart({
    title: plural(found.length, 'series', 'series'),
    range,
    format: formatFor(query),
    series: found.slice(0, MOST).map((each) => ({ name: seriesName(each.labels, common), points: each.points })),
  });
}

function drawTraces(context, found) {
  if (!found.length) return empty('No trace matches', NOTHING_YET);
  return h(
    'div.scroll-x',
    null,
    h(
      'table.rows',
      null,
      h(
        'tbody',
        null,
        found.map((each) =>
          h(
            'tr',
            null,
            h('td', null, h('a', { href: context.link(`/trace/${each.id}`) }, serviceName(each.service), ` ${each.name}`)),
            h('td', null, stamp(each.at, { millis: true })),
            h('td.figure', null, duration(each.ms * 1e6)),
          ),
        ),
      ),
    ),
  );
}

function drawLines(context, found) {
  return found.length
    ? h(
        'ol.log-lines',
        null,
        found.map((line) => h('li', null, logLine(context, line))),
      )
    : empty('No line matches', 'Look at a longer time.');
}
