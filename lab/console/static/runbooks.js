// Runbooks: their list, and one with each query block run in place and the branch of the table it leads to.

import { pinButton } from './controls.js';
import { announce, fill, h, icon, ICONS, newId } from './dom.js';
import { number } from './format.js';
import { openInGrafana } from './grafana.js';
import { rendered } from './rendered.js';
import { empty, failure, loading } from './states.js';
import { table } from './tables.js';

export const title = 'Runbooks';

const PAGE_OF = { promql: '/metrics', traceql: '/traces', logql: '/logs' };
const KEPT = new Set(['from', 'to', 'last', 'refresh', 'service', 'client']); // the time and filter of every page
const SEVERITIES = { critical: 'bad', page: 'bad', warning: 'warn', ticket: 'warn' };

export async function show(main, context) {
  const name = context.path.replace(/^\/runbooks\/?/, '');
  if (!name) return list(main, context);
  return name.startsWith('kinds/') ? kind(main, context, name) : page(main, context, name);
}

async function list(main, { api, link, signal }) {
  const { runbooks } = await api.get('/api/runbooks', {}, { signal });
  const active = await activeAlerts(api, signal);
  const firing = new Set(active.map((each) => each.name));
  runbooks.sort((a, b) => firing.has(b.alert) - firing.has(a.alert) || a.alert.localeCompare(b.alert));
  fill(main, h('h1', null, 'Runbooks'),
    h('p.lead', null, 'One for each alert. Each query in them can be run where it stands.'),
    runbooks.length ? h('ul.cards', null, runbooks.map((each) => h('li', null,
      h('a.card-link', { href: link(`/runbooks/${each.alert}`) }, each.alert), ' ',
      [each.severity ?? []].flat().map((severity) => [h('span.badge', { class: SEVERITIES[severity] ?? '' }, severity), ' ']),
      firing.has(each.alert) ? h('span.badge.bad', null, 'firing now') : null,
      each.title && each.title !== each.alert ? h('p', null, each.title) : null)))
      : empty('There are no runbooks here.', 'They lie in `docs/runbooks`, one file for each alert.'));
}

/** A page about one kind of fault, where a decision table leads. */
async function kind(main, { api, link, signal }, name) {
  const found = await api.get(`/api/runbooks/${name}`, {}, { signal });
  fill(main, back(link), h('h1', null, found.title), found.sections.map(section));
}

async function page(main, context, name) {
  const { api, link, query, signal } = context;
  const found = await api.get(`/api/runbooks/${encodeURIComponent(name)}`, {}, { signal });
  const labels = labelsOf(query);
  const held = new Map();
  const sections = found.sections.map(section);
  const steps = found.steps.map((step, index) => stepOf(step, index, { ...context, name, labels, done }));
  const board = decision(sections, found);

  function done(step, result) {
    held.set(step.name, result.holds);
    board.mark(held);
  }

  const all = h('button.primary', { type: 'button', onclick: runAll }, icon(ICONS.run), 'Run all steps');
  const outcome = h('div.outcome');
  async function runAll() {
    all.disabled = true;
    for (const [n, step] of steps.entries()) {
      fill(outcome, h('p.judged', null, `Step ${n + 1} of ${steps.length} …`));
      await step.run();
    }
    board.mark(held, { whole: true });
    fill(outcome, board.told());
    all.disabled = false;
    all.focus({ preventScroll: true });
    announce(board.text());
  }

  const placed = h('div.runbook', null, sections);
  for (const [index, block] of [...placed.querySelectorAll('[data-section="Diagnosis"] pre')].entries()) {
    if (steps[index]) block.after(steps[index].place);
  }
  fill(main, back(link), h('h1', null, found.title), facts(found.front_matter),
    h('p.buttons', null, all), h('p.muted', null, told(labels)), outcome, placed);
}

const back = (link) => h('p', null, h('a', { href: link('/runbooks') }, 'All runbooks'));

function section({ title: heading, html }) {
  const id = newId('section');
  const made = h('section', { 'aria-labelledby': id, 'data-section': heading }, h('h2', { id }, heading), rendered(html));
  for (const block of made.querySelectorAll('pre')) reachable(block, `${heading}, code`);
  for (const table of made.querySelectorAll('table')) table.replaceWith(h('div.scroll-x', { tabindex: 0, role: 'group', 'aria-label': `${heading}, table` }, tableOf(table)));
  return made;
}

/** What may scroll sideways can be reached and named. */
function reachable(block, label) {
  block.tabIndex = 0;
  block.setAttribute('role', 'group');
  block.setAttribute('aria-label', label);
}

function tableOf(table) {
  const made = table.cloneNode(true);
  made.classList.add('rows');
  return made;
}

function facts(front) {
  const shown = Object.entries(front).filter(([name]) => name !== 'alert');
  return h('dl.front', null, shown.map(([name, value]) => h('div', null, h('dt', null, name),
    h('dd', null, [value].flat().join(', ') || '–'))));
}

function told(labels) {
  if (!labels) return 'The steps take the labels of the alert where it fires, and ask for all services where it does not.';
  return `The steps ask for ${Object.entries(labels).map(([name, value]) => `${name} = ${value}`).join(', ')}.`;
}

/** One step: its run button and, below, what came back. */
function stepOf(step, index, context) {
  const { api, name, labels, signal, done } = context;
  const out = h('div.step-result', { 'aria-live': 'polite' });
  const button = h('button', { type: 'button', 'aria-label': `Run step ${step.number}: ${step.name ?? step.language}`, onclick: run }, icon(ICONS.run), 'Run');
  async function run() {
    button.disabled = true;
    fill(out, loading('Asking …'));
    try {
      const result = await api.post(`/api/runbooks/${encodeURIComponent(name)}/steps/${step.number}/run`, { labels }, { signal });
      fill(out, resultOf(result, step, context));
      done(step, result);
    } catch (error) {
      if (error.name !== 'AbortError') fill(out, failure(error, run));
    } finally {
      button.disabled = false;
    }
  }
  return { run, place: h('div.step', { 'data-step': index + 1 }, h('p.buttons', null, button, h('span.badge', null, step.language)), out) };
}

function resultOf(result, step, context) {
  const { link, name } = context;
  return [verdict(result), asked(result, step), result.rows.length ? values(result, link) : null,
    result.total > result.rows.length ? h('p.muted', null, `${result.rows.length} of ${result.total} are shown.`) : null,
    h('p.buttons', null,
      PAGE_OF[result.language] ? [h('a', { href: link(PAGE_OF[result.language], { q: result.query }) }, 'Open the query'),
        openInGrafana(context, () => [[result.language, result.query]])] : null,
      pinButton(context, 'chart', {
        title: `${name}, step ${result.number}: ${result.name}`, query: result.query, language: result.language,
        data: { columns: result.columns, rows: result.rows },
      }))];
}

/** The query with the alert's labels, where they changed it. */
function asked({ query, number: step }, { query: written }) {
  return query === written ? null : h('pre', { tabindex: 0, role: 'group', 'aria-label': `The query of step ${step} as it was asked` }, query);
}

function verdict({ holds, expect, error }) {
  if (holds === null) return h('p.judged.warn', null, h('strong', null, 'Could not be asked. '), error);
  return h('p.judged', { class: holds ? 'yes' : 'no' }, h('strong', null, holds ? 'Holds' : 'Does not hold'), `: ${expect}.`);
}

function values({ columns, rows, number: step }, link) {
  return table(columns, rows.map((row) => row.map((cell) => shown(cell, link))), { label: `Result of step ${step}` });
}

function shown(cell, link) {
  if (typeof cell === 'number') return number(cell);
  if (/^[0-9a-f]{32}$/.test(cell ?? '')) return h('a', { href: link(`/trace/${cell}`) }, `${cell.slice(0, 12)}…`);
  return cell ?? '–';
}

/** The decision table: `mark` shows which row the steps' results point to, as the runner on the command line does. */
function decision(sections, { table: branches = [] }) {
  const place = sections.find((each) => each.dataset.section === 'Decision table');
  const rows = [...(place?.querySelectorAll('tbody tr') ?? [])];
  const line = h('p.judged', { role: 'status' }, 'Run the steps: the row that their results point to is marked here.');
  place?.querySelector('h2').after(line);
  function mark(held, { whole = false } = {}) {
    const at = branches.findIndex((row) => points(row, held));
    for (const [index, row] of rows.entries()) {
      row.classList.toggle('points-here', index === at);
      if (index === at) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
    const none = whole ? 'The results point to no row: nothing is wrong now, or it is new.' : 'So far the results point to no row.';
    line.textContent = at < 0 ? none : `The results point to: ${branches[at].kind}.`;
    line.classList.toggle('yes', at >= 0);
  }
  /** The same line for another place, with the way to the table. */
  function told() {
    const show = () => line.scrollIntoView({ block: 'center' });
    return h('p', { class: line.className }, line.textContent, ' ', h('button.quiet', { type: 'button', onclick: show }, 'Show the row'));
  }
  return { mark, told, text: () => line.textContent };
}

/** Whether a row fits: what it names has to hold, or not to; what was not asked points nowhere. */
function points({ holds, fails }, held) {
  return holds.every((name) => held.get(name) === true) && fails.every((name) => held.get(name) === false);
}

/** Labels from the URL (?service_name=cv_model); without any the lab takes those of the alert that fires. */
function labelsOf(query) {
  const asked = [...query].filter(([name]) => !KEPT.has(name));
  return asked.length ? Object.fromEntries(asked) : undefined;
}

async function activeAlerts(api, signal) {
  try {
    const { alerts } = await api.get('/api/alerts', {}, { signal });
    return alerts.filter((each) => each.state === 'active');
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    return []; // Alertmanager is away: the runbooks can be read all the same
  }
}
