// The Markdown of a game day's report as DOM: headings, lists, tables, paragraphs. Its text stays text.

import { h } from './dom.js';
import { table } from './tables.js';

/** Nodes for the report, its headings one level lower: the page has a heading of its own. */
export function reportOf(markdown) {
  return markdown.split(/\n{2,}/).map((block) => blockOf(block.trim().split('\n')));
}

function blockOf(lines) {
  if (lines.every((line) => line.startsWith('- '))) return h('ul', null, lines.map((line) => h('li', null, line.slice(2))));
  if (lines.length > 1 && lines.every((line) => line.startsWith('|'))) return tableOf(lines);
  const heading = lines.length === 1 && /^(#{1,4}) (.*)$/.exec(lines[0]);
  if (heading) return h(`h${Math.min(heading[1].length + 1, 5)}`, null, heading[2]);
  return h('p', null, lines.join(' ').replace(/^_(.*)_$/, '$1'));
}

const tableOf = ([head, , ...rows]) => table(cells(head), rows.map(cells));

const cells = (line) => line.split('|').slice(1, -1).map((each) => each.trim());
