// Building DOM. Text goes in as text nodes only, so whatever telemetry says stays text.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element: h('button.primary', {type: 'button', onclick: run, 'aria-label': 'Run'}, 'Run').
 * `on…` take functions, `style` an object (set through the CSSOM, which the CSP allows), null and false leave out.
 */
export function h(spec, props, ...children) {
  return build(document.createElement(spec.split('.')[0] || 'div'), spec, props, children);
}

/** The same for SVG. */
export function svg(spec, props, ...children) {
  return build(document.createElementNS(SVG, spec.split('.')[0]), spec, props, children);
}

function build(element, spec, props, children) {
  for (const name of spec.split('.').slice(1)) element.classList.add(name);
  for (const [name, value] of Object.entries(props ?? {})) setProp(element, name, value);
  append(element, children);
  return element;
}

function setProp(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
  else if (name === 'class') for (const each of value.split(' ').filter(Boolean)) element.classList.add(each);
  else if (name === 'style') setStyle(element, value);
  else if (name === 'dataset') Object.assign(element.dataset, value);
  else if (name === 'value' && 'value' in element) element.value = value;
  else element.setAttribute(name, value === true ? '' : String(value));
}

/** Style properties, custom ones (`--x`) among them. */
export function setStyle(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
}

/** Children may be nodes, texts, numbers, lists of these; null, undefined and false are left out. */
export function append(parent, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return parent;
}

/** Replace what an element holds. */
export function fill(parent, ...children) {
  parent.replaceChildren();
  return append(parent, children);
}

/** A sentence of ours as nodes: what stands between backticks is code. */
export function words(text) {
  return text.split('`').map((part, n) => (n % 2 ? h('code', null, part) : part));
}

/** A long name that may be broken after its dots, slashes and underscores. */
export function breakable(name) {
  return name.split(/(?<=[._/])/).map((part, n) => [n > 0 && h('wbr'), part]);
}

let lastId = 0;

/** An id that no other element of the page has. */
export function newId(prefix = 'id') {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** An icon of a few strokes, for the eye only. */
export function icon(path, size = 16) {
  return svg(
    'svg.icon',
    { viewBox: '0 0 16 16', width: size, height: size, 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: path }),
  );
}

export const ICONS = {
  sun: 'M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9 13 13M3 13l1.1-1.1M11.9 4.1 13 3',
  menu: 'M2 4h12M2 8h12M2 12h12',
  link: 'M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.4 4.4L11.5 9M9 11.5 7.5 13a3 3 0 0 1-4.4-4.4L4.5 7',
  pin: 'M6 2h4l-.5 4.5L12 9H4l2.500-2.500zM8 9v5',
  out: 'M6.500 3H3v10h10V9.500M9 3h4v4M13 3 7.500 8.500',
  run: 'M4.500 3v10l8-5z',
  close: 'M4 4l8 8M12 4l-8 8',
  warning: 'M8 2 15 14H1zM8 6.500v3.500M8 11.800v.4',
};

/** Say something to screen readers without moving the focus. */
export function announce(text) {
  const place = document.getElementById('announcer');
  if (place) place.textContent = text;
}
