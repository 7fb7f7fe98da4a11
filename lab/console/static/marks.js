// Marks, and the solution: metric, exemplar, trace, critical path, logs, cause, on the player's own evidence.

import { h } from './dom.js';
import { bar } from './drill_start.js';
import { evidenceWaterfall } from './evidence.js';
import { openInGrafana } from './grafana.js';
import { numeric, rowHead, table } from './tables.js';

const PARTS = [['service', 'Service'], ['operation', 'Operation'], ['kind', 'Kind'], ['evidence', 'Evidence']];
const PAGES = { promql: ['/metrics', 'Metrics'], traceql: ['/traces', 'Traces'], logql: ['/logs', 'Logs'] };
const WEAK = 'Its signals are weak in this window: more traffic, or a longer look, would show them better.';
const COSTS = [['hints', 'Hints'], ['time', 'Time']];

/** {service, operation, kind, evidence, hints, time, total, recovery, most} as a table. */
export function marksTable(marks) {
  const most = marks.most;
  return table(['Part', 'Marks', ''], [
    ...PARTS.map(([name, text]) => line(text, `${show(marks[name])} of ${most[name]}`, bar(marks[name], most[name]))),
    ...COSTS.filter(([name]) => marks[name]).map(([name, text]) => line(text, `−${show(marks[name])}`)),
    line('Total', `${show(marks.total)} of 100`, bar(marks.total, 100), 'total'),
    ...(marks.recovery === null ? [] : [line('Recovery', `${show(marks.recovery)} of ${most.recovery}`, bar(marks.recovery, most.recovery))]),
  ], { kind: 'marks-table' });
}

const show = (value) => String(Math.round(value * 10) / 10);

function line(name, text, meter, kind = '') {
  return { class: kind, cells: [rowHead(name), numeric(text), meter] };
}

/** `own`: ids of the traces that the player gave or pinned; the first that is still there is drawn. */
export function solutionOf(solution, context, { own = [] } = {}) {
  const { link } = context;
  if (!solution.causes.length) {
    return h('section.solution', null, h('h2', null, 'What it was'), solution.lines.map((each) => h('p', null, each)));
  }
  const theirs = solution.causes.flatMap((each) => each.traces);
  return h('section.solution', null, h('h2', null, 'What it was, and the way to it'),
    solution.causes.map((cause) => causeOf(cause, context)),
    evidenceWaterfall([...own, ...theirs], own, context),
    remarks(solution.lines).map((each) => h('p', null, each)), fullText(solution.lines),
    h('p.muted', null, 'More to look at: ', h('a', { href: link('/overview') }, 'objectives'), ' and ', h('a', { href: link('/traces') }, 'traces'), '.'));
}

function causeOf({ kind, service, operation, sentence, query, traces, log_query: logQuery, logs, how, path, mechanism }, context) {
  const { link } = context;
  const known = sentence || query || traces.length;
  return h('article.panel.cause-found', null,
    h('h3', null, `${kind} in ${service}`, operation ? `, ${operation}` : ''),
    known ? null : h('p', null, WEAK),
    h('ol', null,
      sentence || query ? h('li', null, h('strong', null, 'Metric. '), sentence, typed(query, context)) : null,
      traces.length ? h('li', null, h('strong', null, 'Trace. '), `${how || 'One that shows it is'} `,
        h('a', { href: link(`/trace/${traces[0]}`) }, `${traces[0].slice(0, 12)}…`), '.') : null,
      path ? h('li', null, h('strong', null, 'Critical path. '), path) : null,
      logQuery ? h('li', null, h('strong', null, 'Logs.'), typed(logQuery, context),
        logs.length ? h('pre', { tabindex: 0, role: 'group', 'aria-label': 'Log lines that show it' }, logs.join('\n')) : null) : null,
      mechanism ? h('li', null, h('strong', null, 'Cause. '), `What was broken: ${mechanism}.`) : null));
}

/** A query as it is typed, with where it can be run. */
function typed(query, context) {
  if (!query) return null;
  const language = languageOf(query);
  const [page, name] = PAGES[language];
  return [h('pre', { tabindex: 0, role: 'group', 'aria-label': 'Query' }, query), h('p.buttons', null,
    h('a.button', { href: context.link(page, { q: query }) }, `Open in ${name}`),
    openInGrafana(context, () => [[language, query]]))];
}

/** TraceQL names its scopes or intrinsics with a comparison, LogQL begins with a label's matcher; the rest is PromQL. */
function languageOf(query) {
  if (query.includes('__name__')) return 'promql';
  if (!query.trimStart().startsWith('{')) return /\|[=~]|\| *(json|logfmt)/.test(query) ? 'logql' : 'promql';
  return /\b(resource|span|event|trace)[.:]|\{\s*\}|\{\s*(name|status|kind|duration|rootName|rootServiceName)\b/.test(query) ? 'traceql' : 'logql';
}

const OWN = 'In your trace: ';

function remarks(lines) {
  return lines.filter((each) => each.startsWith(OWN));
}

function fullText(lines) {
  return h('details', null, h('summary', null, 'As the command line tells it'), h('pre', { tabindex: 0, role: 'group', 'aria-label': 'The solution as text' }, lines.join('\n')));
}
