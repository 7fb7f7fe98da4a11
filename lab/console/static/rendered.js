// HTML that the server rendered from our own Markdown, taken over element by element: only what a document needs.

const TAGS = new Set([
  'P', 'H1', 'H2', 'H3', 'H4', 'UL', 'OL', 'LI', 'CODE', 'PRE', 'STRONG', 'EM', 'A', 'BLOCKQUOTE', 'HR', 'BR',
  'TABLE', 'THEAD', 'TBODY', 'TR', 'TH', 'TD',
]);
const GONE = new Set(['SCRIPT', 'STYLE', 'TEMPLATE']);

/** The document's nodes as a fragment. Unknown elements leave their text behind, scripts nothing; of attributes only a safe `href` stays. */
export function rendered(html) {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const fragment = document.createDocumentFragment();
  copy(parsed.body, fragment);
  return fragment;
}

function copy(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    else if (node.nodeType === Node.ELEMENT_NODE && !GONE.has(node.tagName)) copy(node, element(node, to));
  }
}

function element(node, to) {
  const href = node.getAttribute('href') ?? '';
  const safe = /^(https?:\/\/|\/(?!\/)|#)/.test(href);
  if (!TAGS.has(node.tagName) || (node.tagName === 'A' && !safe)) return to; // what leads nowhere is no link
  const made = document.createElement(node.tagName);
  if (node.tagName === 'A') made.setAttribute('href', href);
  to.append(made);
  return made;
}
