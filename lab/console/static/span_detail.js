// One span in full: times, attributes, events, links, and its own log lines.

import { breakable, h } from './dom.js';
import { duration, plural } from './format.js';
import { pinButton } from './controls.js';
import { logLine } from './log_lines.js';
import { serviceName } from './palette.js';
import { stamp } from './time.js';
import { operation } from './trace_model.js';

/** `facts`: {view, trace, lines (null while they load), linkedBy (null or [{traceId}])}. */
export function spanDetail(context, span, { view, trace, lines, linkedBy }) {
  const at = Number(trace.base / 1_000_000n) + (Number(trace.base % 1_000_000n) + span.start) / 1e6;
  const path = view.pathNs.get(span.id) ?? 0;
  return [
    h(
      'div.detail-head',
      null,
      h('h2', null, operation(span)),
      pinButton(context, 'span', {
        title: `${span.service}: ${operation(span)}, ${duration(span.end - span.start)}`,
        trace_id: span.traceId,
        span_id: span.id,
        time: at / 1000,
        path: `/trace/${span.traceId}?span=${span.id}`,
      }),
    ),
    h(
      'p',
      null,
      serviceName(span.service),
      h('span.muted', null, ` ${span.kind || 'internal'}`),
      operation(span) !== span.name && h('span.muted', null, ` · ${span.name}`),
    ),
    view.remarks.get(span.id).map((text) => h('p.badge.warn', null, text)),
    span.status === 'error' && h('p.badge.bad', null, `Error${span.message ? `: ${span.message}` : ''}`),
    h(
      'dl.facts',
      null,
      fact('Starts', stamp(at, { millis: true }), `+${duration(span.start)}`),
      fact('Takes', duration(span.end - span.start)),
      fact('Exclusive', duration(view.exclusiveOf(span)), 'without its children'),
      fact('Critical path', path ? duration(path) : 'not on it'),
      fact('Span', h('code', null, span.id)),
    ),
    section(
      `Log lines (${lines ? lines.length : '…'})`,
      lines === null ? h('p.muted', null, 'Loading …') : linesOf(context, span, lines),
    ),
    span.events.length > 0 &&
      section(
        'Events',
        span.events.map((event) => eventOf(event)),
      ),
    linksOf(context, span, linkedBy),
    section('Attributes', table(span.attributes)),
    section('Resource', table(span.resource)),
  ];
}

function fact(name, value, note) {
  return h('div', null, h('dt', null, name), h('dd', null, value, note && h('span.muted', null, ` ${note}`)));
}

function section(title, ...content) {
  return h('section.part', null, h('h3', null, title), content);
}

function linesOf(context, span, lines) {
  if (!lines.length) return h('p.muted', null, `${span.service} logged nothing within this span.`);
  return h(
    'ol.log-lines.small',
    null,
    lines.map((line) => h('li', null, logLine(context, line, { trace: false, service: false }))),
  );
}

/** An exception's stack is text of many lines; other values are short. */
function eventOf(event) {
  const { 'exception.stacktrace': stack, ...others } = event.attributes;
  return h(
    'div.event',
    null,
    h('p', null, h('b', null, event.name), h('span.muted', null, ` +${duration(event.at)}`)),
    table(others),
    stack && h('pre.stack', null, String(stack)),
  );
}

function linksOf({ link }, span, linkedBy) {
  const others = linkedBy ?? [];
  if (!span.links.length && !others.length) return null;
  const row = ({ traceId, spanId }) =>
    h(
      'li',
      null,
      h('a', { href: `${link(`/trace/${traceId}`, { span: spanId })}` }, h('code', null, `${traceId.slice(0, 16)}…`)),
    );
  return h(
    'section.part',
    null,
    h('h3', null, 'Links'),
    span.links.length > 0 && [
      h('p', null, `Shared its batch with ${plural(span.links.length, 'other request')}:`),
      h('ul.plain', null, span.links.map(row)),
    ],
    others.length > 0 && [
      h('p', null, `${plural(others.length, 'other trace')} had a batch with this span in it:`),
      h('ul.plain', null, others.map(row)),
    ],
  );
}

function table(values) {
  const rows = Object.entries(values).sort(([a], [b]) => a.localeCompare(b));
  if (!rows.length) return h('p.muted', null, 'None.');
  return h(
    'dl.values',
    null,
    rows.map(([name, value]) =>
      h('div', null, h('dt', null, breakable(name)), h('dd', null, typeof value === 'object' ? JSON.stringify(value) : String(value))),
    ),
  );
}
