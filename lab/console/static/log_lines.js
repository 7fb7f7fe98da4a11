// Log lines as rows: time, level, service, text; what else a line carries opens below it.

import { breakable, h } from './dom.js';
import { pinButton } from './controls.js';
import { levelClass, serviceName } from './palette.js';
import { stamp } from './time.js';

export const LEVELS = [
  { name: 'CRITICAL', class: 'level-critical' },
  { name: 'ERROR', class: 'level-error' },
  { name: 'WARNING', class: 'level-warning' },
  { name: 'INFO', class: 'level-info' },
  { name: 'DEBUG', class: 'level-debug' },
  { name: 'other', class: 'level-other' },
];
const KNOWN = new Set(LEVELS.map((each) => each.name));

/** The level a line counts under. */
export const levelName = (level) => (level === 'WARN' ? 'WARNING' : KNOWN.has(level) ? level : 'other');

/** One line. Its first row is what the service said; a stack and the labels follow when it is opened. */
export function logLine(context, line, { trace = true, service = true } = {}) {
  const [first, ...rest] = textOf(line.body).split('\n');
  const link =
    trace &&
    line.traceId &&
    h('a.trace-link', { href: traceLink(context, line), 'aria-label': `Trace ${line.traceId.slice(0, 8)}` }, 'trace');
  return h(
    'div.log-row',
    null,
    h(
      'details.log',
      { class: levelClass(line.level) },
      h(
        'summary',
        null,
        stamp(line.at, { millis: true }),
        h('span.level', null, line.level || '–'),
        service && serviceName(line.service),
        h('span.text', null, first || '(empty)'),
      ),
      rest.length > 0 && h('pre.stack', null, rest.join('\n')),
      h(
        'dl.values',
        null,
        Object.entries(line.labels)
          .sort(([a], [b]) => a.localeCompare(b))
          .map(([name, value]) =>
            h(
              'div',
              null,
              h('dt', null, breakable(name)),
              h('dd', null, name === 'trace_id' ? h('a', { href: traceLink(context, line) }, value) : value),
            ),
          ),
      ),
      h(
        'p.buttons',
        null,
        pinButton(context, 'log', {
          title: `${line.service}: ${first.slice(0, 160)}`,
          text: textOf(line.body),
          trace_id: line.traceId || undefined,
          span_id: line.spanId || undefined,
          time: line.at / 1000,
          path: line.traceId ? `/trace/${line.traceId}?span=${line.spanId}` : undefined,
        }),
      ),
    ),
    link,
  );
}

const traceLink = ({ link }, { traceId, spanId }) => link(`/trace/${traceId}`, { span: spanId });

/** The message of a JSON line, else the line. */
function textOf(body) {
  if (!body.startsWith('{')) return body;
  try {
    const told = JSON.parse(body);
    return typeof told.message === 'string' ? told.message : body;
  } catch {
    return body; // a line that only looks like JSON
  }
}
