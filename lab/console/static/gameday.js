// A game day: how far it is, who has how many marks, the form for an answer, and the report once it has ended.

import { ApiError } from './api.js';
import { fill, h } from './dom.js';
import { plural } from './format.js';
import { answerForm } from './answer.js';
import { say } from './notebook.js';
import { reportOf } from './report.js';
import { empty, failure } from './states.js';
import { numeric, rowHead, table } from './tables.js';

export const title = 'Game day';

const READ_EVERY_MS = 3000;
const EXAMPLE = `title: Friday
players: [ana, ben]
faults:
  - {at: 10, fault: redis-far, place: feature_store, intensity: 0.5, for: 120}
  - {at: 300, fault: over-shedding, for: 60}`;

export async function show(main, { api, signal }) {
  const clock = h('div.timeline');
  const board = h('section.panel', { 'aria-labelledby': 'scores' });
  const desk = h('section.panel.desk');
  const report = h('section.panel.report');
  let found = await api.get('/api/gameday', {}, { signal });
  const heading = h('h1', null, found.title ?? 'Game day');
  fill(main, heading, clock, board, desk, report);
  await drawDesk();
  draw();

  function draw() {
    heading.textContent = found.title ?? 'Game day';
    for (const each of [board, desk, report]) each.hidden = !found.title;
    if (!found.title) return fill(clock, none());
    fill(clock, timeline(found));
    fill(board, scores(found.players));
    if (found.report && report.childElementCount === 0) fill(report, reportOf(found.report));
    report.hidden = !found.report;
    desk.hidden = !found.running;
    return undefined;
  }
  async function drawDesk() {
    if (!found.running) return;
    if (!found.may_answer) return fill(desk, h('p.muted', null, 'You look on. Who plays opens the console with a token of their own (FAULTLINE_PLAYERS).'));
    const choices = await api.get('/api/drills/choices', {}, { signal });
    const form = answerForm(choices, { send, brief: true });
    fill(desk, h('h2', null, 'Your answer'), h('p.muted', null, 'Of several answers to one fault the first counts.'), form.place);
  }
  async function send([answer]) {
    await api.post('/api/gameday/answer', { kind: answer.kind, service: answer.service, operation: answer.operation });
    say('Noted. The board shows what it was worth a minute after the fault has ended.');
    await read();
  }
  async function read() {
    if (document.hidden) return;
    const before = found;
    try {
      found = await api.get('/api/gameday', {}, { signal });
      if (before.running !== found.running || before.may_answer !== found.may_answer) await drawDesk();
      draw();
    } catch (error) {
      if (error instanceof ApiError) fill(clock, failure(error, read));
      else if (error.name !== 'AbortError') throw error;
    }
  }
  const reading = setInterval(read, READ_EVERY_MS);
  return () => clearInterval(reading);
}

function none() {
  return empty('There is no game day',
    'Timed faults, several players, one instructor. Write down what comes when, and begin it with `faultline gameday run friday.yaml`:',
    h('pre', null, EXAMPLE));
}

function timeline({ running, paused, at_s: at, seconds }) {
  const state = running ? (paused ? 'Paused' : 'Running') : 'Ended';
  const shown = Math.min(at ?? seconds, seconds);
  return [h('p', null, h('span.badge', { class: running && !paused ? 'good' : 'warn' }, state), ' ',
    h('span.clock', null, `${minutes(shown)} of ${minutes(seconds)}`)),
  h('progress', { max: seconds || 1, value: shown, 'aria-label': 'How far the game day is' })];
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

function scores(players) {
  const rows = players.map((each, index) => [`${index + 1}.`, rowHead(each.player), numeric(each.marks), numeric(each.faults)]);
  return [h('h2', { id: 'scores' }, 'Scoreboard'), table(['', 'player', 'marks', 'faults answered'], rows),
    h('p.muted', null, 'The marks of a fault count from a minute after its end.'),
  players.some((each) => each.faults) ? null : h('p.muted', null, `Nobody of ${plural(players.length, 'player')} has answered yet.`)];
}
