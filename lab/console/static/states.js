// What a place shows while it waits, when it is empty, and when something failed: always with the next step.

import { ApiError } from './api.js';
import { fill, h, icon, ICONS, words } from './dom.js';

export const NOTHING_YET = 'Nothing yet: Tempo shows new traces after 15 to 30 s, the local store after 2 s.';

export function loading(what = 'Loading …') {
  return h('p.loading', { role: 'status' }, what);
}

/** Nothing to show, and what to do about it. Backticks mark code. */
export function empty(title, next, ...more) {
  return h('div.empty', null, h('p.empty-title', null, title), next && h('p', null, words(next)), ...more);
}

/** A failure in words, with a button to try again where that may help. */
export function failure(error, retry) {
  const known = error instanceof ApiError;
  if (!known) console.error(error);
  return h(
    'div.failure',
    { role: 'alert' },
    icon(ICONS.warning, 20),
    h(
      'div',
      null,
      h('p.failure-title', null, known ? error.title : 'This part of the page failed'),
      h('p', null, words((known ? error.detail : error.message) || next(error.status))),
      retry && h('button', { type: 'button', onclick: retry }, 'Try again'),
    ),
  );
}

function next(status) {
  if (status === 404) return 'It may be older than what is kept (6 hours in the local store), or not have arrived yet.';
  if (status >= 500) return 'See `faultline status` for which program is down.';
  return 'Change the query, or the time, and try again.';
}

/**
 * Fill an element with what a promise brings: loading, then the result of `draw`, or the failure.
 * A newer call for the same element wins over an older one, and what stands there stays until it is replaced.
 * `again` says that nobody asked for it: then what a person is just using is left as it is.
 */
export async function show(element, load, draw, { again = false } = {}) {
  const turn = (element.turn ?? 0) + 1;
  element.turn = turn;
  if (!element.hasChildNodes()) fill(element, loading());
  element.setAttribute('aria-busy', 'true');
  try {
    const found = await load();
    if (element.turn === turn && !(again && inUse(element))) fill(element, draw(found));
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (element.turn === turn)
      fill(
        element,
        failure(error, () => show(element, load, draw)),
      );
  } finally {
    if (element.turn === turn) element.removeAttribute('aria-busy');
  }
}

function inUse(element) {
  const at = document.activeElement;
  return (at !== element && element.contains(at)) || element.querySelector('details[open]') !== null;
}
