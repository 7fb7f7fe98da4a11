// The form that begins a drill, and what was played before: history and report card.

import { fill, h, newId } from './dom.js';
import { seconds as took } from './format.js';
import { empty, failure } from './states.js';
import { numeric, rowHead, table } from './tables.js';
import { stamp } from './time.js';

const PATIENCE_S = 90;

/** Level, seed and how many; `?level=2&seed=7&patience=20` in the URL fills it in, so that a drill can be shared by its link. */
export function drillForm({ api, choices, keep, query, reread }, now) {
  const level = newId('level');
  const first = Number(query.get('level') ?? now.next?.level ?? 1);
  const seed = number('Seed', { min: 0, placeholder: 'any', value: query.get('seed') ?? now.next?.seed ?? '' }, 'The same seed and level give the same drill. Beat a colleague’s time.');
  const count = number('How many', { min: 1, max: 20, value: now.next?.count ?? 1, required: true }, 'One after another, counting the seed up.');
  const patience = number('Wait for an alert', { min: 0, max: PATIENCE_S, value: query.get('patience') ?? PATIENCE_S, required: true }, 'Seconds. If none fires by then, a user complains.');
  const button = h('button.primary', { type: 'submit' }, 'Start the drill');
  const out = h('div', { 'aria-live': 'polite' });
  const chosen = () => Number(place.querySelector(`[name="${level}"]:checked`).value);

  async function begin(event) {
    event.preventDefault();
    button.disabled = true;
    try {
      const asked = { level: chosen(), count: Number(count.value()), patience: Number(patience.value()) };
      await api.post('/api/drills', seed.value() === '' ? asked : { ...asked, seed: Number(seed.value()) });
      await reread();
    } catch (error) {
      fill(out, failure(error));
    } finally {
      button.disabled = false;
    }
  }

  const place = h('form.start', { onsubmit: begin, onchange: () => keep({ level: chosen(), seed: seed.value() }) },
    h('fieldset.pick-levels', null, h('legend', null, 'Level'), choices.levels.map((each) => h('label.pick-level', null,
      h('input', { type: 'radio', name: level, value: each.level, checked: each.level === first }),
      h('span.level-number', null, each.level), h('span', null, each.title)))),
    h('div.asks', null, seed.place, count.place, patience.place),
    h('p.buttons', null, button), out);
  if (!place.querySelector(`[name="${level}"]:checked`)) place.querySelector(`[name="${level}"]`).checked = true;
  const problem = ({ problem: found }) => { if (found && !out.hasChildNodes()) fill(out, problemOf(found)); };
  return { place, update: problem, trouble: (error) => fill(out, failure(error)) };
}

/** Why something that was worked on behind the page failed. */
export function problemOf({ title, detail, next_step: next }) {
  return h('div.failure', { role: 'alert' }, h('div', null, h('p.failure-title', null, title), h('p', null, [detail, next].filter(Boolean).join(' '))));
}

function number(label, props, help) {
  const id = newId('field');
  const input = h('input', { id, type: 'number', step: 1, 'aria-describedby': `${id}-help`, ...props });
  return { value: () => input.value, place: h('div.ask', null, h('label', { for: id }, label), input, h('small', { id: `${id}-help` }, help)) };
}

/** Marks and time by kind and level. */
export function reportCard(rows) {
  if (!rows.length) return null;
  return h('section', { 'aria-labelledby': 'report-card' }, h('h2', { id: 'report-card' }, 'Report card'),
    panel('Report card', ['kind', 'level', 'drills', 'mean marks', '', 'mean time'], rows.map((each) => [
      rowHead(each.kind), cell(each.level), cell(each.drills), cell(Math.round(each.marks)),
      bar(each.marks, 100), cell(took(each.seconds))])));
}

export function historyOf(drills, link) {
  const heading = h('h2', { id: 'history' }, 'History');
  if (!drills.length) return h('section', null, heading, empty('Nothing played yet', 'Level 1 is a good first drill: one loud fault.'));
  return h('section', { 'aria-labelledby': 'history' }, heading,
    panel('History', ['drill', 'when', 'level', 'seed', 'player', 'kind', 'marks', 'recovery', 'time', 'hints'], drills.map((each) => [
      rowHead(each.state === 'running' ? each.id : h('a', { href: link(`/practice/${each.id}`) }, each.id)),
      h('td', null, stamp(each.started * 1000)), cell(each.level), cell(each.seed), each.player,
      each.state === 'answered' ? each.kinds : each.kinds ? `${each.kinds} (${each.state})` : each.state,
      cell(each.marks), cell(each.recovery), cell(each.seconds === null ? null : took(each.seconds)), cell(each.hints)])));
}

const cell = (value) => numeric(value ?? '–');

/** A bar for the eye; the number stands beside it. */
export function bar(value, most) {
  return h('span.bar-track', { 'aria-hidden': 'true' }, h('span.bar-fill', { style: { width: `${Math.max(0, Math.min(100, (100 * value) / most))}%` } }));
}

function panel(label, heads, rows) {
  return h('div.panel', null, table(heads, rows, { label: `${label}, table` }));
}
