// The header with navigation, theme and the running drill, and the footer.

import { fill, h, icon, ICONS, svg, words } from './dom.js';
import { link } from './app.js';
import { zone } from './time.js';

const LOOK = [
  ['/', 'Map'],
  ['/overview', 'Overview'],
  ['/traces', 'Traces'],
  ['/logs', 'Logs'],
  ['/metrics', 'Metrics'],
];
const PRACTISE = [
  ['/practice', 'Practice'],
  ['/faults', 'Faults'],
  ['/gameday', 'Game day'],
  ['/runbooks', 'Runbooks'],
];
/** A page's path without its last part, where that is an item of the page's list. */
const PARENTS = { trace: '/traces', compare: '/traces', practice: '/practice', runbooks: '/runbooks' };
const THEMES = ['system', 'light', 'dark'];

export function drawHeader(state, error) {
  const header = document.getElementById('header');
  const open = header.querySelector('nav')?.classList.contains('open') ?? false;
  const focused = header.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  fill(
    header,
    h(
      'div.topbar',
      null,
      h('a.brand', { href: '/', 'data-path': '/', 'data-key': 'brand' }, glyph(), 'Faultline'),
      h(
        'button.menu',
        {
          type: 'button',
          'aria-expanded': String(open),
          'aria-controls': 'nav',
          'aria-label': 'Menu',
          'data-key': 'menu',
          onclick: toggle,
        },
        icon(ICONS.menu, 18),
      ),
      h(
        'nav',
        { id: 'nav', 'aria-label': 'Pages', class: open ? 'open' : '' },
        list(LOOK),
        h('span.divider', { 'aria-hidden': 'true' }),
        list(PRACTISE),
      ),
      h(
        'div.right',
        null,
        state.player && h('span.player', { title: 'You play as' }, state.player),
        state.mode && h('span.mode', { title: 'How this system runs' }, state.mode),
        themeSwitch(),
      ),
    ),
    drill(state),
    error && away(error),
  );
  if (focused) header.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function away({ status }) {
  const text =
    status === 401
      ? 'The lab wants its token: reload the page to give it.'
      : 'The lab does not answer. `faultline status` shows each program; this page goes on by itself.';
  return h('p.strip.bad', { role: 'alert' }, words(text));
}

function list(pages) {
  return h(
    'ul',
    null,
    pages.map(([path, name]) => h('li', null, h('a', { href: path, 'data-path': path, 'data-key': path }, name))),
  );
}

function toggle(event) {
  const open = document.getElementById('nav').classList.toggle('open');
  event.currentTarget.setAttribute('aria-expanded', String(open));
}

function glyph() {
  return svg(
    'svg.glyph',
    { viewBox: '0 0 32 32', width: 24, height: 24, 'aria-hidden': 'true' },
    svg('rect', { width: 32, height: 32, rx: 7 }),
    svg('path', { d: 'M4 18h7l3-9 5 15 3-10h6' }),
  );
}

function drill({ drill: running }) {
  if (!running) return null;
  const level = running.level ? ` · level ${running.level}` : '';
  const said = ['answered', 'acting'].includes(running.state)
    ? 'You have answered: do something about it, or end it.'
    : 'Something may be wrong: find out what.';
  return h(
    'p.strip.drill',
    null,
    h('span', null, `A drill is on${level}. ${said}`),
    h('a', { href: '/practice', 'data-key': 'drill' }, 'To the drill'),
  );
}

/** Which page is shown, in the navigation; its links carry the present time and filter on. */
export function markCurrent(path) {
  const first = path.split('/')[1];
  const current = PARENTS[first] ?? path;
  document.getElementById('nav')?.classList.remove('open');
  document.querySelector('#header .menu')?.setAttribute('aria-expanded', 'false');
  for (const anchor of document.querySelectorAll('#header a[data-path]')) {
    anchor.href = link(anchor.dataset.path);
    if (anchor.closest('nav') && anchor.dataset.path === current) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  }
}

function themeSwitch() {
  const chosen = document.documentElement.dataset.theme ?? 'system';
  const button = h('button.theme', { type: 'button', 'data-key': 'theme', onclick: () => choose(button) }, icon(ICONS.sun));
  name(button, chosen);
  return button;
}

function choose(button) {
  const now = document.documentElement.dataset.theme ?? 'system';
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === 'system') localStorage.removeItem('faultline-theme');
    else localStorage.setItem('faultline-theme', next);
  } catch (error) {
    console.info('The theme holds for this page only:', error.message);
  }
  name(button, next);
  document.dispatchEvent(new CustomEvent('faultline:theme'));
}

function name(button, theme) {
  const text = { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' }[theme];
  button.setAttribute('aria-label', text);
  button.title = text;
}

export function drawFooter() {
  fill(
    document.getElementById('footer'),
    h('span', null, zone() === 'UTC' ? 'Times are in UTC.' : `Times are in ${zone()}; hold the pointer over one for UTC.`),
    h(
      'span.keys',
      null,
      h('kbd', null, '/'),
      ' query  ',
      h('kbd', null, 'Esc'),
      ' leave  ',
      h('kbd', null, 'j'),
      ' ',
      h('kbd', null, 'k'),
      ' rows',
    ),
  );
}
