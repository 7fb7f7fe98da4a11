// A running drill: what opened it, the clock, where to look, hints, the notebook and the answer form.

import { answerForm } from './answer.js';
import { announce, fill, h } from './dom.js';
import { problemOf } from './drill_start.js';
import { notebook, say } from './notebook.js';
import { failure } from './states.js';
import { stamp } from './time.js';

const FREE_MINUTES = 5; // docs/drills.md, Marks
const MOST_FOR_TIME = 15;
const A_HINT = 8;
const LOOK = [['/', 'Map'], ['/overview', 'Overview'], ['/traces', 'Traces'], ['/logs', 'Logs'], ['/metrics', 'Metrics'], ['/runbooks', 'Runbooks']];

/** Fill `main` with the drill; returns {update(now), trouble(error), end()}. */
export async function drillView(main, { api, choices, link, reread, signal }, first) {
  let now = first;
  const opening = h('section.opening', { 'aria-live': 'polite', 'aria-label': 'What opened it' });
  const clock = h('span.clock', { role: 'timer', 'aria-label': 'Time since the start' });
  const cost = h('span.muted');
  const state = h('p.drill-state', { role: 'status' });
  const pins = h('div');
  const hints = hintBox(api, reread);
  const book = notebook(pins, { use: (id) => form.use(id) });
  const form = answerForm(choices, { send, traces: book.traces, draft: first.id });
  const giveUp = giveUpBox(api, reread);

  async function send(answers) {
    await api.post('/api/drills/now/answer', answers.length === 1 ? answers[0] : answers);
    announce('Your answer is marked.');
    await reread();
  }
  function tick() {
    if (!now.started_at) return;
    const spent = Math.max(0, Date.now() / 1000 - now.started_at);
    clock.textContent = minutes(spent);
    const costs = Math.min(MOST_FOR_TIME, Math.max(0, spent / 60 - FREE_MINUTES));
    cost.textContent = costs >= 0.05 ? `time costs ${costs.toFixed(1)} marks so far` : `the first ${FREE_MINUTES} minutes are free`;
  }

  fill(main,
    h('h1', null, `Drill, level ${now.level}`),
    h('p.drill-front', null, clock, ' ', cost, h('span.muted', null, ` · seed ${now.seed} · ${now.player ?? 'player'}`,
      now.started_at ? [' · began ', stamp(now.started_at * 1000)] : null)),
    state, opening,
    h('nav.look', { 'aria-label': 'Where to look' }, LOOK.map(([path, name]) => h('a.button', { href: link(path) }, name))),
    h('div.drill-columns', null,
      h('div', null, h('section.panel', null, h('h2', null, 'Notebook'), pins), h('section.panel', null, h('h2', null, 'Hints'), hints.place)),
      h('section.panel', null, h('h2', null, 'Your answer'), form.place, giveUp)));
  const clocks = [setInterval(tick, 1000)];
  readPins();

  async function readPins() {
    try {
      await book.read();
    } catch (error) {
      if (error.name !== 'AbortError' && !signal.aborted) fill(pins, failure(error, readPins));
    }
  }


  let opened = null;
  function update(found) {
    const began = !now.started_at && found.started_at;
    now = found;
    if (found.opening !== opened || !opening.hasChildNodes()) fill(opening, openingOf(found, link));
    opened = found.opening;
    hints.update(found);
    form.disable(found.state !== 'running' && found.state !== 'waiting');
    fill(state, doing(found));
    if (found.problem) fill(state, problemOf(found.problem));
    if (began) announce('The drill has begun.');
    tick();
  }
  return { update, trouble: (error) => fill(state, failure(error)), end: () => clocks.forEach(clearInterval) };
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

function doing({ state, doing: what }) {
  if (state === 'starting') return 'The lab reads the healthy minute before it begins: some seconds.';
  if (state === 'waiting') return 'The drill has begun. Look around already; what opens it is on its way.';
  return state === 'working' ? `The lab works on it${what ? `: ${what}` : ''} …` : '';
}

/** The page as it came: an alert with its runbook, or what a user says. */
function openingOf({ opening, state }, link) {
  if (!opening) return h('p.muted', null, state === 'starting' ? 'Nothing is broken yet.' : 'No page yet: the first alert that fires opens the drill, or else a user complains.');
  const alert = /^Alert (\w+): ?(.*)$/s.exec(opening);
  if (!alert) return h('figure', null, h('blockquote', null, opening), h('figcaption.muted', null, 'A complaint. It may be right.'));
  return [h('p.page-title', null, h('span.badge.bad', null, 'Alert'), ' ', h('strong', null, alert[1])), h('p', null, alert[2]),
    h('p.buttons', null, h('a.button', { href: link(`/runbooks/${alert[1]}`) }, 'Its runbook'), h('a.button', { href: link('/overview') }, 'All alerts'))];
}

function hintBox(api, reread) {
  const told = h('ol.hints', { 'aria-live': 'polite' });
  const button = h('button', { type: 'button', onclick: take });
  let busy = false;
  async function take() {
    busy = true;
    button.disabled = true;
    button.textContent = 'The lab looks for a hint …';
    try {
      await api.post('/api/drills/now/hint', {});
    } catch (error) {
      say(`No hint. ${error.message}`, 'bad');
    } finally {
      busy = false;
      await reread();
      button.focus();
    }
  }
  function update({ hints, hints_in_all: all, state }) {
    if (told.childElementCount !== hints.length) fill(told, hints.map((each) => h('li', null, each)));
    if (busy) return;
    button.disabled = hints.length >= all || state === 'starting' || state === 'working';
    button.textContent = hints.length >= all ? 'No hint is left' : `Take hint ${hints.length + 1} of ${all} (−${A_HINT} marks)`;
  }
  return { place: h('div', null, told, h('p.buttons', null, button)), update };
}

/** Giving up asks once more, in place. */
function giveUpBox(api, reread) {
  const place = h('div.give-up');
  const ask = () => { fill(place, h('p', null, 'End it without marks, and see the solution?'), h('p.buttons', null, yes, no)); yes.focus(); };
  const first = h('button', { type: 'button', onclick: ask }, 'Give up');
  const yes = h('button.danger', { type: 'button', onclick: end }, 'End it');
  const no = h('button', { type: 'button', onclick: () => { fill(place, first); first.focus(); } }, 'Go on');
  async function end() {
    yes.disabled = true;
    yes.textContent = 'The solution is being worked out …';
    try {
      await api.post('/api/drills/now/give-up', {});
      await reread();
    } catch (error) {
      fill(place, failure(error, ask));
    }
  }
  fill(place, first);
  return place;
}
