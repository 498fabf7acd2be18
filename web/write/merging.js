// `<merge-view>`: decides between two versions where both changed the same; and `<text-diff>`, which shows what changed.

import { compare } from './diff.js';
import { ask, h, newId } from './dom.js';
import { isConflict, resolve } from './merge.js';

/** What the fields are called. @type {Record<string, string>} */
export const NAMES = {
  title: 'Title', body: 'Text', tags: 'Tags', summary: 'Summary', slug: 'Address', language: 'Language', cover_image_url: 'Cover picture',
  canonical_url: 'Original', meta_title: 'Title for search engines', meta_description: 'Description for search engines', comments_open: 'Comments',
};

/** Shows what was removed and added between two texts, in words too and not by colour only. */
export class TextDiff extends HTMLElement {
  from = '';
  to = '';

  connectedCallback() {
    const parts = compare(this.from, this.to).map(({ kind, text }) => {
      if (kind === 'same') return h('span', {}, short(text));
      const [tag, word] = kind === 'added' ? /** @type {const} */ (['ins', 'added: ']) : /** @type {const} */ (['del', 'removed: ']);
      return h(tag, {}, h('span', { class: 'hidden' }, word), text);
    });
    this.replaceChildren(h('div', { class: 'diff', tabindex: 0, role: 'group', 'aria-label': 'Difference' }, ...(parts.length ? parts : ['Nothing differs.'])));
  }
}

customElements.define('text-diff', TextDiff);

/**
 * Long text that is alike in both, shortened to its ends.
 * @param {string} text
 */
function short(text) {
  const lines = text.split('\n');
  return lines.length > 8 ? [...lines.slice(0, 3), '⋯', ...lines.slice(-3)].join('\n') : text;
}

/**
 * @param {string} before
 * @param {string} after
 */
export function textDiff(before, after) {
  const element = new TextDiff();
  Object.assign(element, { from: before, to: after });
  return element;
}

/** The choices of a merge. */
export class MergeView extends HTMLElement {
  /** @type {import('./merge.js').Merged} */
  merged = { fields: /** @type {any} */ ({}), conflicts: [] };
  /** @type {{ field: keyof import('./merge.js').Fields, chosen: (() => string)[], pieces: import('./merge.js').Piece[] }[]} */
  fields = [];

  connectedCallback() {
    let number = 0;
    const total = this.merged.conflicts.flatMap(({ pieces }) => pieces.filter(isConflict)).length;
    this.fields = this.merged.conflicts.map(({ field, pieces }) => {
      const choices = pieces.filter(isConflict).map((piece) => choice(++number, total, field, piece));
      this.append(...choices.map(({ element }) => element));
      return { field, pieces, chosen: choices.map(({ value }) => value) };
    });
  }

  /** What came of the choices. */
  get result() {
    const result = { ...this.merged.fields };
    for (const { field, pieces, chosen } of this.fields) {
      const text = resolve(pieces, chosen.map((value) => value()));
      Object.assign(result, { [field]: field === 'comments_open' ? text === 'true' : text });
    }
    return result;
  }
}

customElements.define('merge-view', MergeView);

/**
 * @param {number} number
 * @param {number} total
 * @param {string} field
 * @param {{ base: string, mine: string, theirs: string }} piece
 */
function choice(number, total, field, { base, mine, theirs }) {
  const name = newId('choice');
  /** @type {Record<string, string>} */
  const values = { mine, theirs, both: mine + (mine === '' || mine.endsWith('\n') ? '' : '\n') + theirs };
  const radio = (/** @type {string} */ value, /** @type {string} */ label) => {
    const id = newId(name);
    return h('div', { class: 'check' }, h('input', { type: 'radio', id, name, value, checked: value === 'mine' }), h('label', { for: id }, label));
  };
  const version = (/** @type {string} */ value, /** @type {string} */ label, /** @type {string} */ text) =>
    h('div', { class: 'version' }, radio(value, label), text === '' ? h('p', { class: 'hint' }, 'Nothing: it was removed.') : textDiff(base, text));
  const element = h('fieldset', {},
    h('legend', {}, `${NAMES[field]}, ${number} of ${total}`),
    h('div', { class: 'versions' }, version('mine', 'What you typed', mine), version('theirs', 'What was saved meanwhile', theirs)),
    field === 'body' && radio('both', 'Both, one after the other'));
  return { element, value: () => values[/** @type {HTMLInputElement} */ (element.querySelector('input:checked')).value] };
}

/**
 * Asks which parts of two versions to take. Null to decide later.
 * @param {import('./merge.js').Merged} merged
 */
export function askToMerge(merged) {
  const view = new MergeView();
  view.merged = merged;
  return ask('This post was changed elsewhere', (/** @type {(fields: import('./merge.js').Fields | null) => void} */ answer) => [
    h('p', {}, 'Somebody else, or you in another tab, saved a change meanwhile. What could be put together is put together. Here both changed the same; choose what to take. You can edit it afterwards.'),
    view,
    h('div', { class: 'actions' },
      h('button', { type: 'button', class: 'primary', onclick: () => answer(view.result) }, 'Use this'),
      h('button', { type: 'button', onclick: () => answer(null) }, 'Decide later')),
  ], { wide: true });
}
