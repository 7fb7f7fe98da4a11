// The lab's API and, through it, the four backends. Every failure becomes an ApiError that says what to do.

import { h, newId, words } from './dom.js';

const KEY = 'faultline-token';
const AGAIN_MS = 300;
const TIMEOUT_MS = 65_000; // the lab gives a backend 60 s

/** What went wrong: `status` (0 where nothing answered), `title`, `detail` in the words of whoever refused, and all of the `problem`. */
export class ApiError extends Error {
  constructor(status, title, detail = '', problem = {}) {
    super(detail ? `${title}: ${detail}` : title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.problem = problem;
  }
}

/** Move the token from the link that `faultline up` prints (#token=…) to this tab's storage, and out of the URL. */
export function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!found) return;
  sessionStorage.setItem(KEY, found);
  history.replaceState(history.state, '', location.pathname + location.search);
}

export const token = () => sessionStorage.getItem(KEY) ?? '';

export const api = {
  get: (path, params, options) => ask('GET', path + search(params), undefined, options),
  post: (path, body, options) => ask('POST', path, body ?? {}, options),
  put: (path, body, options) => ask('PUT', path, body ?? {}, options),
  delete: (path, options) => ask('DELETE', path, undefined, options),
};

function search(params) {
  const kept = Object.entries(params ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return kept.length ? `?${new URLSearchParams(kept)}` : '';
}

async function ask(method, url, body, options = {}) {
  const response = await send(method, url, body, options);
  // Asked for once a tab: a second refusal is shown where the answer was wanted.
  if (response.status === 401 && !options.again && (await askForToken())) {
    return ask(method, url, body, { ...options, again: true });
  }
  if (!response.ok) throw await problem(response);
  if (response.status === 204) return null;
  return (response.headers.get('content-type') ?? '').includes('json') ? response.json() : response.text();
}

async function send(method, url, body, { signal }) {
  const headers = { Accept: 'application/json' };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const ask = () =>
    fetch(url, {
      method,
      headers,
      cache: 'no-store',
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  try {
    // A browser drops what it waits for when the machine gets another network, as it does when containers start.
    return await ask().catch((error) => (method === 'GET' && error instanceof TypeError ? later(ask) : Promise.reject(error)));
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    if (error.name === 'TimeoutError') throw new ApiError(0, 'No answer within a minute', 'Narrow the query or the time.');
    throw new ApiError(0, 'The lab does not answer', 'Is it still up? `faultline status` shows each program.');
  }
}

const later = (ask) =>
  new Promise((resolve) => {
    setTimeout(resolve, AGAIN_MS);
  }).then(ask);

/** problem+json of the lab, plain text of Tempo and Loki, Prometheus' {error}. */
async function problem(response) {
  const text = (await response.text()).trim();
  let said = {};
  try {
    said = JSON.parse(text) ?? {};
  } catch {
    said = { detail: text.startsWith('<') ? '' : text }; // plain text is how Tempo and Loki refuse
  }
  const detail = [said.detail ?? said.error ?? said.message ?? '', said.next_step].filter(Boolean).map(asText).join(' ');
  return new ApiError(response.status, title(response.status, said.title), detail.slice(0, 2000), said);
}

const asText = (detail) => (typeof detail === 'string' ? detail : JSON.stringify(detail));

/** In our words; what the lab says of a status without some is the status' name. */
function title(status, name) {
  const known = {
    400: 'The query is not understood',
    401: 'This needs the lab’s token',
    403: 'Refused',
    404: 'Not found',
    409: 'Not now',
    422: 'Not accepted',
    429: 'Too many queries at once',
    502: 'The backend does not answer',
    503: 'The backend is not ready',
    504: 'The query ran out of time',
  };
  return known[status] ?? name ?? `Refused with status ${status}`;
}

let asking = null;

/** One form for however many calls wait for it; true where a token was given. */
function askForToken() {
  asking ??= new Promise((resolve) => openForm(resolve)).finally(() => {
    asking = null;
  });
  return asking;
}

function openForm(resolve) {
  const id = newId('token');
  const field = h('input', { id, type: 'password', autocomplete: 'off', required: true, spellcheck: 'false' });
  const dialog = h(
    'dialog.token',
    { 'aria-labelledby': `${id}-title` },
    h(
      'form',
      { method: 'dialog', onsubmit: () => sessionStorage.setItem(KEY, field.value.trim()) },
      h('h2', { id: `${id}-title` }, 'This needs the lab’s token'),
      h(
        'p',
        null,
        words('`faultline console` opens this page with it. It lies in the file `lab_token` of the secrets folder.'),
      ),
      h('label', { for: id }, 'Token'),
      field,
      h(
        'p.buttons',
        null,
        h('button.primary', { type: 'submit', value: 'given' }, 'Go on'),
        h('button', { type: 'button', onclick: () => dialog.close('') }, 'Not now'),
      ),
    ),
  );
  dialog.addEventListener('close', () => {
    dialog.remove();
    resolve(dialog.returnValue === 'given');
  });
  document.body.append(dialog);
  dialog.showModal();
}
