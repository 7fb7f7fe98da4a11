// The shell: header, navigation, theme, and which page a path shows. A page module exports `title` and
// `async show(main, context)`, which may return a function that ends it.

import { api, takeToken } from './api.js';
import { drawHeader, drawFooter, markCurrent } from './shell.js';
import { fill, h } from './dom.js';
import { failure, loading } from './states.js';
import { rangeOf } from './time.js';

const PAGES = [
  [/^\/$/, 'map'],
  [/^\/overview$/, 'overview'],
  [/^\/traces$/, 'traces'],
  [/^\/trace\/[0-9a-f]+$/i, 'waterfall'],
  [/^\/compare\/[0-9a-f]+\/[0-9a-f]+$/i, 'compare'],
  [/^\/logs$/, 'logs'],
  [/^\/metrics$/, 'metrics'],
  [/^\/practice(\/\w+)?$/, 'practice'],
  [/^\/faults$/, 'faults'],
  [/^\/gameday$/, 'gameday'],
  [/^\/runbooks(\/[\w-]+){0,2}$/, 'runbooks'],
];
/** What every link within the page carries on: the time and the filter. */
const KEPT = ['from', 'to', 'last', 'refresh', 'service', 'client'];
const STATE_EVERY_MS = 5000;

const main = document.getElementById('main');
let end = null;
let leaving = new AbortController();
let away = false; // whether the lab did not answer when it was last asked for its state
export let state = { mode: '', drill: null, faults_open: false, grafana: null, player: null, gameday: false };

/** The path with the kept part of the present query, and more: link('/traces', {q: '{ }'}). A null takes one off. */
export function link(path, more = {}) {
  const query = new URLSearchParams();
  const now = new URLSearchParams(location.search);
  for (const name of KEPT) if (now.has(name)) query.set(name, now.get(name));
  for (const [name, value] of Object.entries(more)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  return query.size ? `${path}?${query}` : path;
}

/** Show another page, or the same one with another query. */
export function go(url, { replace = false } = {}) {
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  return render();
}

/** Keep something in the URL without drawing the page again (a selected row, a zoom). */
export function keep(values) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  history.replaceState(null, '', query.size ? `${location.pathname}?${query}` : location.pathname);
}

async function render() {
  end?.();
  end = null;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const path = location.pathname;
  const found = PAGES.find(([pattern]) => pattern.test(path));
  markCurrent(path);
  const place = h('div.page', { 'data-page': found?.[1] ?? 'none' }, loading());
  fill(main, place);
  if (!found) return notFound(place, path);
  const query = new URLSearchParams(location.search);
  const context = { path, query, range: rangeOf(query), api, go, keep, link, state, signal };
  try {
    const page = await moduleOf(found[1]);
    if (signal.aborted) return;
    place.replaceChildren();
    setTitle(page.title);
    const shown = page.show(place, context);
    if (!place.hasChildNodes()) fill(place, loading());
    const ending = await shown;
    if (signal.aborted) ending?.();
    else end = ending ?? null;
  } catch (error) {
    if (!signal.aborted && error.name !== 'AbortError') fill(place, failure(error, render));
  }
}

/** A browser drops what it waits for when the machine gets another network, as it does when containers start. */
function moduleOf(name) {
  return import(`./${name}.js`).catch(() => import(`./${name}.js?again`));
}

export function setTitle(title) {
  document.title = title ? `${title} · Faultline` : 'Faultline';
}

function notFound(place, path) {
  setTitle('No such page');
  fill(
    place,
    h('h1', null, 'No such page'),
    h('p', null, `${path} leads nowhere. `, h('a', { href: link('/') }, 'To the map')),
  );
}

// Links of our own change the page in place; everything else is the browser's.
function followed(event) {
  const anchor = event.target.closest?.('a[href]');
  if (
    !anchor ||
    event.defaultPrevented ||
    event.button !== 0 ||
    event.ctrlKey ||
    event.metaKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  const url = new URL(anchor.href, location.href);
  if (url.origin !== location.origin || anchor.target || anchor.hasAttribute('download')) return;
  if (url.pathname.startsWith('/static/') || url.pathname.startsWith('/api/')) return;
  if (url.hash && url.pathname === location.pathname && url.search === location.search) return;
  event.preventDefault();
  go(url.pathname + url.search).then(() => {
    if (anchor.closest('header')) main.focus();
  });
  window.scrollTo(0, 0);
}

// `/` goes to the page's query, Esc leaves it.
function pressed(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === 'Escape' && typing && !event.defaultPrevented) event.target.blur();
  if (event.key !== '/' || typing || event.defaultPrevented || event.ctrlKey || event.metaKey) return;
  const box = main.querySelector('[data-search]');
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select?.();
}

async function refreshState() {
  if (document.hidden) return;
  try {
    const before = JSON.stringify(state);
    state = { ...state, ...(await api.get('/api/state')) };
    if (JSON.stringify(state) === before && !away) return;
    away = false;
    drawHeader(state);
    markCurrent(location.pathname);
    document.dispatchEvent(new CustomEvent('faultline:state', { detail: state }));
  } catch (error) {
    away = true;
    drawHeader(state, error); // the strip says that the lab is away; pages say so where they need it
  }
}

async function start() {
  takeToken();
  document.addEventListener('click', followed);
  document.addEventListener('keydown', pressed);
  addEventListener('popstate', () => {
    takeToken();
    render();
  });
  drawHeader(state);
  drawFooter();
  await refreshState();
  setInterval(refreshState, STATE_EVERY_MS);
  await render();
}

start();
