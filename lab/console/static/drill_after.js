// After the answer: marks, what may be done about it, and the solution. The fault is still on.

import { fill, h, newId } from './dom.js';
import { problemOf } from './drill_start.js';
import { marksTable, solutionOf } from './marks.js';
import { notebook } from './notebook.js';
import { failure } from './states.js';

const WATCHED_S = 75;

/** Fill `main` with the marks; returns {update(now), trouble(error), end()}. */
export async function afterView(main, context, now) {
  const { api, reread } = context;
  const out = h('div', { 'aria-live': 'polite' });
  const watch = h('section.recovery', { hidden: true });
  const pins = h('div');
  const book = notebook(pins);
  await book.read();
  const desk = actions(context, { act, end });
  const bar = h('progress', { max: WATCHED_S, 'aria-label': 'Recovery is watched' });
  let since = 0;

  async function act(asked) {
    fill(out);
    desk.disabled = true;
    try {
      await api.post('/api/drills/now/act', asked);
      await reread();
    } catch (error) {
      fill(out, failure(error));
      desk.disabled = false;
    }
  }
  async function end() {
    desk.disabled = true;
    try {
      await api.post('/api/drills/now/give-up', {});
      await reread();
    } catch (error) {
      fill(out, failure(error));
      desk.disabled = false;
    }
  }

  fill(main, h('h1', null, now.marks ? `${Math.round(now.marks.total * 10) / 10} of 100 marks` : 'Answered'),
    h('div.drill-columns', null,
      h('section.panel', null, h('h2', null, 'Marks'), now.marks ? marksTable(now.marks) : null),
      h('section.panel', null, h('h2', null, 'Do something about it'),
        h('p.muted', null, 'Whatever was wrong is wrong still. What helps brings up to 20 marks of its own: the sooner answers are whole and in time again, the more.'), watch, desk, out)),
    now.solution ? solutionOf(now.solution, context, { own: book.traces().map((each) => each.id) }) : null,
    h('section.panel', null, h('h2', null, 'Notebook'), pins));

  function update(found) {
    const acting = found.state === 'acting';
    desk.disabled = acting;
    if (acting && watch.hidden) {
      since = Date.now();
      fill(watch, h('p', { role: 'status' }, `Done. Whether answers are whole and in time again is watched for up to ${WATCHED_S} s.`), bar);
    }
    watch.hidden = !acting;
    bar.value = Math.min(WATCHED_S, (Date.now() - since) / 1000);
    if (found.problem) fill(out, problemOf(found.problem));
  }
  return { update, trouble: (error) => fill(out, failure(error)) };
}

/** A fieldset with a form for each action that this system knows. */
function actions({ choices: { actions: known }, state: { mode } }, { act, end }) {
  const here = Object.entries(known).filter(([name]) => name in ACTIONS && (ACTIONS[name].only ?? mode) === mode);
  const made = here.map(([name, targets]) => {
    const { label, help, target, amount } = ACTIONS[name];
    const whom = target ? select(target, targets) : null;
    const many = amount ? number(amount) : null;
    return h('div.action', null, h('p', null, help), h('p.buttons', null, whom?.place, many?.place,
      h('button', { type: 'button', 'data-act': name, onclick: () => act({ act: name, target: whom?.value(), ...(many && { [amount.name]: many.value() }) }) }, label)));
  });
  return h('fieldset.actions-desk', null, h('legend.hidden-text', null, 'Actions'), made,
    h('div.action', null, h('p', null, 'Leave it, and end the drill.'), h('p.buttons', null, h('button', { type: 'button', onclick: end }, 'End the drill'))));
}

const ACTIONS = {
  rollback: { label: 'Roll back', help: 'Take the last release back. It removes what came with one.' },
  restart: { label: 'Restart', help: 'Start a service again. It ends what lives in that process.', target: 'Service' },
  canary: { label: 'Take users off v2', help: 'All users of a model get version 1.', target: 'Model' },
  shed: { label: 'Shed load', help: 'Limit what the gateway lets in.', amount: { name: 'rate', text: 'Requests a second', usual: 4, least: 0.1 } },
  scale: { label: 'Scale', help: 'Run more replicas of a service.', target: 'Service', amount: { name: 'replicas', text: 'Replicas', usual: 2, least: 1 }, only: 'k8s' },
};

function select(label, options) {
  const input = h('select', { id: newId('target') }, options.map((each) => h('option', { value: each }, each)));
  return { value: () => input.value, place: h('span.ask', null, h('label', { for: input.id }, label), input) };
}

function number({ text, usual, least }) {
  const input = h('input', { id: newId('amount'), type: 'number', min: least, step: least, value: usual });
  return { value: () => Number(input.value), place: h('span.ask', null, h('label', { for: input.id }, text), input) };
}
