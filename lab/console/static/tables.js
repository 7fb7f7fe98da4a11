// Tables, each in a box that may scroll sideways.

import { h } from './dom.js';

/**
 * `heads`: texts or nodes; an empty one heads nothing. `rows`: lists of cells, or {class, cells}; a cell is a <td> or <th>,
 * or what stands in a <td>. `label` names the box, and lets the keyboard scroll it; `kind` are further classes.
 */
export function table(heads, rows, { label = '', kind = '' } = {}) {
  return h(
    'div.scroll-x',
    label ? { tabindex: 0, role: 'group', 'aria-label': label } : null,
    h(
      'table.rows',
      { class: kind },
      heads.some(Boolean) && h('thead', null, h('tr', null, heads.map(headOf))),
      h('tbody', null, rows.map(rowOf)),
    ),
  );
}

const headOf = (each) => (each ? h('th', { scope: 'col' }, each) : h('td'));

function rowOf(row) {
  const { cells, ...props } = Array.isArray(row) ? { cells: row } : row;
  return h(
    'tr',
    props,
    cells.map((each) => (each instanceof HTMLTableCellElement ? each : h('td', null, each))),
  );
}

/** The cell that names its row. */
export const rowHead = (...content) => h('th', { scope: 'row' }, content);

/** A cell with a number in it. */
export const numeric = (...content) => h('td.figure', null, content);
