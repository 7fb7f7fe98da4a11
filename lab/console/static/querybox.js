// A box for a query, with completion: a combobox after the ARIA practices (list, arrows, Enter or Tab, Esc).

import { fill, h, newId } from './dom.js';

const SHOWN = 12;
const WAIT_MS = 120;

/**
 * `complete(text, caret)` answers {from, items: [{text, detail}]}: items replace what stands between `from` and the caret.
 * `run(query)` is called on Enter and by the button; `examples` are [title, query] pairs.
 */
export function queryBox({ label, value, complete, run, examples = [], placeholder = '' }) {
  const id = newId('query');
  const list = h('ul.completions', { id: `${id}-list`, role: 'listbox', 'aria-label': 'Completions', hidden: true });
  const input = h('input.query', {
    id,
    type: 'text',
    value,
    placeholder,
    role: 'combobox',
    'data-search': '',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    'aria-expanded': 'false',
    'aria-autocomplete': 'list',
    'aria-controls': list.id,
  });
  const box = new Box(input, list, complete, run);
  const form = h(
    'form.querybox',
    {
      role: 'search',
      onsubmit: (event) => {
        event.preventDefault();
        box.submit();
      },
    },
    h('label', { for: id }, label),
    h('span.field', null, input, list),
    h('button.primary', { type: 'submit' }, 'Run'),
  );
  const put = (query) => {
    input.value = query;
    box.submit();
  };
  return {
    element: h('div.asking', null, form, examples.length > 0 && chips(examples, put)),
    input,
    get value() {
      return input.value.trim();
    },
  };
}

function chips(examples, put) {
  return h(
    'div.examples',
    null,
    h('span.muted', null, 'Try'),
    examples.map(([title, query]) => h('button.chip', { type: 'button', title: query, onclick: () => put(query) }, title)),
  );
}

class Box {
  constructor(input, list, complete, run) {
    Object.assign(this, { input, list, complete, run, found: { from: 0, items: [] }, chosen: -1, timer: 0, turn: 0 });
    input.addEventListener('input', () => this.later());
    input.addEventListener('keydown', (event) => this.key(event));
    input.addEventListener('blur', () => setTimeout(() => this.close(), 150));
    list.addEventListener('pointerdown', (event) => this.clicked(event));
  }

  submit() {
    this.close();
    this.run(this.input.value.trim());
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), WAIT_MS);
  }

  async look() {
    const turn = ++this.turn;
    let found;
    try {
      found = await this.complete(this.input.value, this.input.selectionStart ?? this.input.value.length);
    } catch (error) {
      console.info('No completion:', error.message); // the box works without; running the query tells what is wrong
      return;
    }
    if (turn !== this.turn || document.activeElement !== this.input) return;
    this.found = { from: found.from, items: found.items.slice(0, SHOWN) };
    this.draw();
  }

  draw() {
    this.chosen = -1;
    fill(
      this.list,
      this.found.items.map((item, n) =>
        h(
          'li',
          { id: `${this.list.id}-${n}`, role: 'option', 'aria-selected': 'false', 'data-n': n },
          h('span.text', null, item.text),
          item.detail && h('span.detail', null, item.detail),
        ),
      ),
    );
    this.list.hidden = this.found.items.length === 0;
    this.input.setAttribute('aria-expanded', String(!this.list.hidden));
    this.input.removeAttribute('aria-activedescendant');
  }

  close() {
    clearTimeout(this.timer);
    this.turn += 1;
    this.found.items = [];
    this.draw();
  }

  key(event) {
    const open = !this.list.hidden;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (open) this.choose(this.chosen + (event.key === 'ArrowDown' ? 1 : -1));
      else if (event.key === 'ArrowDown') this.look();
    } else if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      this.look();
    } else if (open && event.key === 'Escape') {
      event.preventDefault();
      this.close();
    } else if (open && (event.key === 'Tab' || event.key === 'Enter') && this.chosen >= 0) {
      event.preventDefault();
      this.take(this.chosen);
    }
  }

  choose(n) {
    const rows = [...this.list.children];
    this.chosen = (n + rows.length) % rows.length;
    rows.forEach((row, each) => row.setAttribute('aria-selected', String(each === this.chosen)));
    this.input.setAttribute('aria-activedescendant', rows[this.chosen].id);
    rows[this.chosen].scrollIntoView({ block: 'nearest' });
  }

  clicked(event) {
    const row = event.target.closest('[data-n]');
    if (!row) return;
    event.preventDefault();
    this.take(Number(row.dataset.n));
  }

  take(n) {
    const { text } = this.found.items[n];
    const { value } = this.input;
    const caret = this.input.selectionStart ?? value.length;
    const before = value.slice(0, this.found.from) + text;
    this.input.value = before + value.slice(caret);
    this.input.setSelectionRange(before.length, before.length);
    this.close();
    this.later();
  }
}
