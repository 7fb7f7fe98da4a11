// Practice: begin a drill, play it, and look back at those that were played.

import { ApiError } from './api.js';
import { afterView } from './drill_after.js';
import { drillView } from './drill.js';
import { drillForm, historyOf, reportCard } from './drill_start.js';
import { fill, h } from './dom.js';
import { marksTable, solutionOf } from './marks.js';
import { pinList } from './notebook.js';
import { failure } from './states.js';
import { stamp } from './time.js';

export const title = 'Practice';

const SOON_MS = 1000;
const LATER_MS = 5000;
const BUSY = new Set(['starting', 'waiting', 'working', 'acting']);

export async function show(main, context) {
  const id = context.path.split('/')[2];
  return id ? past(main, context, id) : desk(main, context);
}

/** What the state of the drill asks for: the form to begin one, the drill, or its end. It is read again and again. */
async function desk(main, context) {
  const { api, go, link, signal } = context;
  const choices = await api.get('/api/drills/choices', {}, { signal });
  let view = null;
  let timer = 0;
  let last = Promise.resolve();

  /** One reading after the other: a button and the clock may both ask for one. */
  function read() {
    last = last.then(once, once); // whoever asked for the one before was told of its failure
    return last;
  }
  async function once() {
    clearTimeout(timer);
    let wait = LATER_MS;
    try {
      const now = await api.get('/api/drills/now', {}, { signal });
      if (BUSY.has(now.state)) wait = SOON_MS;
      await take(now);
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (!view) throw error;
      if (error instanceof ApiError) view.trouble?.(error);
      else console.error(error);
    }
    if (!signal.aborted) {
      clearTimeout(timer);
      timer = setTimeout(read, wait);
    }
  }
  async function take(now) {
    const kind = kindOf(now.state);
    if (view?.kind === kind) return view.update(now);
    const before = view?.kind;
    if (kind === 'start' && before && now.last) {
      await go(link(`/practice/${now.last}`), { replace: true });
      return focusOn(document.getElementById('main'));
    }
    view?.end?.();
    view = { kind, ...(await VIEWS[kind](main, { ...context, choices, reread: read }, now)) };
    if (before) focusOn(main);
    return view.update?.(now);
  }
  await read();
  return () => { clearTimeout(timer); view?.end?.(); };
}

const VIEWS = { start, drill: drillView, after: afterView };

function kindOf(state) {
  if (state === 'none') return 'start';
  return state === 'answered' || state === 'acting' ? 'after' : 'drill';
}

/** A page that changed by itself puts the reader at its heading. */
function focusOn(main) {
  const heading = main.querySelector('h1');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus();
}

async function start(main, context, now) {
  const { api, link, signal } = context;
  const { drills, report } = await api.get('/api/drills', {}, { signal });
  const form = drillForm(context, now);
  fill(main, h('h1', null, 'Practice'),
    h('p.lead', null, 'A drill breaks something behind your back, under live traffic, and marks what you make of it. Look around as you would at work, pin what you find, and say what it is.'),
    form.place, reportCard(report), historyOf(drills, link));
  return { update: form.update, trouble: form.trouble };
}

/** A drill that has ended: its marks, its answer and the way to it. */
async function past(main, context, id) {
  const { api, link, signal } = context;
  let found;
  try {
    found = await api.get(`/api/drills/${encodeURIComponent(id)}`, {}, { signal });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return void fill(main, h('h1', null, `Drill ${id}`), failure(error), h('p', null, h('a', { href: link('/practice') }, 'To practice')));
  }
  const own = found.answers?.map((each) => each.trace_id).filter(Boolean) ?? [];
  fill(main, h('h1', null, found.state === 'answered' ? `${found.marks ?? 0} of 100 marks` : `Drill ${found.state}`),
    h('p.muted', null, `Level ${found.level}, seed ${found.seed}, ${found.player}, `, stamp(found.started * 1000), '.'),
    found.opening ? h('blockquote', null, found.opening) : null,
    h('p.buttons', null,
      h('a.button', { href: link('/practice') }, 'Practice again'),
      h('a.button', { href: link('/practice', { level: found.level, seed: found.seed }) }, 'The same drill again')),
    found.marks_by_part ? h('section.panel', null, h('h2', null, 'Marks'), marksTable(found.marks_by_part),
      h('p', null, found.done ? `${found.done} ` : '', recovered(found))) : null,
    said(found.answers ?? []), found.solution ? solutionOf(found.solution, context, { own }) : null,
    h('section.panel', null, h('h2', null, 'Notebook'), pinList(found.pins ?? [])));
  return undefined;
}

function recovered({ recovery, state }) {
  if (state !== 'answered') return '';
  return recovery === null ? 'You ended it without acting.' : `Recovery: ${recovery} of 20 marks.`;
}

function said(answers) {
  if (!answers.length) return null;
  return h('section.panel', null, h('h2', null, 'Your answer'), h('ul', null, answers.map((each) => h('li', null,
    [each.kind, each.service && `in ${each.service}`, each.operation].filter(Boolean).join(', '),
    each.text ? h('p.muted', null, each.text) : null))));
}
