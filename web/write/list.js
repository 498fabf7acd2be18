// A list of the API, page by page.

import { call } from './api.js';
import { announce, button, h, message } from './dom.js';

/**
 * `<paged-list>`: shows the first page of a list, and more when it is asked to.
 */
export class PagedList extends HTMLElement {
  /** The path of the list, with its query. */
  path = '';
  /** What there is to say if it is empty. */
  empty = 'There is nothing here yet.';
  /** How an item is shown. @type {(item: any) => Node} */
  show = (item) => document.createTextNode(JSON.stringify(item));
  /** What the first page says besides its items. @type {(page: any) => void} */
  told = () => {};

  connectedCallback() {
    if (!this.firstChild) void this.load();
  }

  /** Shows it from the start. */
  async load() {
    const list = h('ul', { class: 'items' });
    this.replaceChildren(h('p', { class: 'hint' }, 'Loading …'));
    try {
      const page = await this.#more(list, null);
      this.told(page);
      if (page.items.length === 0) this.replaceChildren(h('p', { class: 'hint' }, this.empty));
    } catch (error) {
      this.replaceChildren(h('p', { class: 'error' }, message(error)), button('Try again', () => this.load()));
    }
  }

  /**
   * @param {HTMLUListElement} list
   * @param {string | null} cursor
   */
  async #more(list, cursor) {
    const path = cursor === null ? this.path : `${this.path}${this.path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`;
    const { body } = await call('GET', path);
    const items = body.items.map((/** @type {any} */ item) => h('li', { tabindex: -1 }, this.show(item)));
    list.append(...items);
    const more = body.next_cursor === null ? null : button('Show more', async () => {
      const { items: next } = await this.#more(list, body.next_cursor);
      announce(`${next.length} more.`);
    });
    this.replaceChildren(list, ...(more ? [more] : []));
    // The button that was pressed is gone.
    if (cursor !== null) items[0]?.focus();
    return body;
  }
}

customElements.define('paged-list', PagedList);

/**
 * @param {string} path
 * @param {(item: any) => Node} show
 * @param {string} empty
 */
export function list(path, show, empty) {
  const element = new PagedList();
  Object.assign(element, { path, show, empty });
  return element;
}
