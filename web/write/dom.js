// Making elements, and forms that say what is wrong with what was typed.

import { Problem } from './api.js';

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element. Properties that begin with `on` are listeners, `true` is an attribute without a value, and what is null, undefined or
 * false is left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked') Object.assign(element, { [name]: value });
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(.../** @type {(Node | string)[]} */ (children.flat().filter((child) => child !== null && child !== undefined && child !== false)));
  return element;
}

/** Lets HTML of the server's through, which has cleaned what is in it of others, and no other (<https://www.w3.org/TR/trusted-types/>). */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy('broadsheet', { createHTML: (/** @type {string} */ text) => text });

/**
 * The HTML of a post or a comment, as the server has rendered and cleaned it.
 * @param {string} text
 * @returns {HTMLElement}
 */
export function rendered(text) {
  const inside = h('div', { class: 'rendered', dir: 'auto' }, ...parsed(text).body.childNodes);
  for (const link of inside.querySelectorAll('a[href^="http"]')) link.setAttribute('rel', 'noopener noreferrer');
  for (const code of inside.querySelectorAll('pre')) code.tabIndex = 0;
  for (const box of inside.querySelectorAll('input')) box.setAttribute('aria-label', box.checked ? 'Done' : 'To do');
  // The heading of the view is the first.
  for (const heading of inside.querySelectorAll('h1')) heading.replaceWith(h('h2', { id: heading.id || null }, ...heading.childNodes));
  return inside;
}

/**
 * The page of the site that this is the HTML of, to look something up in it. Nothing of it is loaded or run.
 * @param {string} text
 */
export function parsed(text) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, 'text/html');
}

/** Whether the mouse, or a finger that stands for it, is pressed. */
let pressed = false;
/** What ends that. The keys do as well: what is dragged, or opens a menu, may be let go of without a word. */
const RELEASES = ['mouseup', 'dragend', 'keydown'];
addEventListener('mousedown', () => void (pressed = true), true);
for (const type of RELEASES) addEventListener(type, () => void (pressed = false), true);

/**
 * Does something that may move what is on the page: at once, or if something is just being pressed, once it is released. A button that moves
 * from under the pointer between the two is not clicked. What the click does comes after it.
 * @param {() => void} act
 */
export function onceReleased(act) {
  if (!pressed) return act();
  const waiting = new AbortController();
  const end = () => {
    if (waiting.signal.aborted) return;
    waiting.abort();
    act();
  };
  addEventListener('click', end, { capture: true, signal: waiting.signal });
  // A click follows at once, if one does.
  for (const type of RELEASES) addEventListener(type, () => setTimeout(end), { capture: true, signal: waiting.signal });
}

/** How long what is said is shown, in milliseconds. What has to stay stands in the page as well. */
const SHOWN_FOR = 6000;
let silence = 0;

/**
 * Says something to who does not see the page. It is shown, too.
 * @param {string} text
 */
export function announce(text) {
  const region = document.getElementById('status');
  if (!region) return;
  clearTimeout(silence);
  region.textContent = '';
  // Only a change is read out.
  setTimeout(() => void (region.textContent = text), 50);
  // It stands in front of the page's end.
  silence = setTimeout(() => void (region.textContent = ''), SHOWN_FOR);
}

/**
 * What went wrong, in words.
 * @param {unknown} error
 */
export function message(error) {
  if (error instanceof Problem && error.status === 429) {
    return `${error.message} Try again${error.retryAfter ? ` in ${error.retryAfter} seconds` : ' later'}.`;
  }
  return error instanceof Error ? error.message : String(error);
}

let lastId = 0;

/** An id that nothing on this page has. */
export function newId(start = 'x') {
  lastId += 1;
  return `${start}-${lastId}`;
}

/**
 * A field of a form.
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {string} [type] of `input`, or `textarea`, `checkbox`, `select`
 * @property {string | boolean} [value]
 * @property {string} [hint]
 * @property {boolean} [required]
 * @property {string} [autocomplete]
 * @property {number} [maxlength]
 * @property {string[]} [options] of a `select`
 */

/**
 * A field with its label, its hint and a place for what is wrong with it.
 * @param {Field} field
 */
export function labelled(field) {
  const { name, label, type = 'text', value = '', hint, required, autocomplete, maxlength, options = [] } = field;
  const id = newId(name);
  const described = [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(' ');
  const common = { id, name, required, autocomplete, maxlength, 'aria-describedby': described };
  const control =
    type === 'textarea' ? h('textarea', { ...common, rows: 4, value, dir: 'auto' })
    : type === 'select' ? h('select', common, options.map((option) => h('option', { value: option, selected: option === value }, option)))
    : type === 'checkbox' ? h('input', { ...common, type, checked: value === true })
    : h('input', { ...common, type, value, dir: type === 'text' ? 'auto' : null });
  const error = h('p', { id: `${id}-error`, class: 'error', hidden: true });
  const text = h('label', { for: id }, label, required ? null : h('span', { class: 'optional' }, type === 'checkbox' ? '' : ' (optional)'));
  const hinted = hint ? h('p', { id: `${id}-hint`, class: 'hint' }, hint) : null;
  const element = type === 'checkbox' ? h('div', { class: 'field check' }, control, text, hinted, error) : h('div', { class: 'field' }, text, hinted, control, error);
  return {
    name, control, element,
    /** @param {string} why */
    say(why) {
      error.textContent = why;
      error.hidden = why === '';
      if (why) control.setAttribute('aria-invalid', 'true');
      else control.removeAttribute('aria-invalid');
    },
    get value() {
      return control instanceof HTMLInputElement && control.type === 'checkbox' ? control.checked : control.value;
    },
  };
}

/**
 * A form. `submit` gets the values; what it throws is said, at the fields that it is about.
 * @param {object} settings
 * @param {Field[]} settings.fields
 * @param {string} settings.action what the button says
 * @param {(values: Record<string, any>) => Promise<unknown>} settings.submit
 * @param {string} [settings.label] what the form is for, where there are several on a page
 * @param {Child[]} [settings.more] other buttons
 */
export function form({ fields, action, submit, label, more = [] }) {
  const made = fields.map(labelled);
  const alert = h('div', { role: 'alert' });
  const button = h('button', { type: 'submit', class: 'primary' }, action);
  const element = h('form', { 'aria-label': label, novalidate: true }, alert, made.map((field) => field.element), h('div', { class: 'actions' }, button, more));
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.getAttribute('aria-disabled')) return;
    alert.replaceChildren();
    for (const field of made) field.say('');
    const missing = made.filter((field) => field.control.required && field.value === '');
    for (const field of missing) field.say('Fill this in.');
    if (missing.length > 0) return missing[0].control.focus();
    // Not `disabled`, which would take the focus away.
    button.setAttribute('aria-disabled', 'true');
    try {
      await submit(Object.fromEntries(made.map((field) => [field.name, field.value])));
    } catch (error) {
      const wrong = error instanceof Problem ? error.errors : [];
      const rest = [];
      for (const { pointer, detail } of wrong) {
        const field = made.find(({ name }) => pointer === `/${name}`);
        if (field) field.say(`This ${detail}.`);
        else rest.push(`${pointer.slice(1) || 'The form'} ${detail}.`);
      }
      if (wrong.length === 0) rest.push(message(error));
      if (rest.length > 0) alert.replaceChildren(h('p', { class: 'error' }, rest.join(' ')));
      const first = made.find(({ control }) => control.getAttribute('aria-invalid'));
      (first?.control ?? button).focus();
    } finally {
      button.removeAttribute('aria-disabled');
    }
  });
  return element;
}

/**
 * A button that does something and says what went wrong.
 * @param {string} text
 * @param {() => unknown} run
 * @param {Record<string, any>} [properties]
 */
export function button(text, run, properties = {}) {
  const element = h('button', { type: 'button', ...properties }, text);
  element.addEventListener('click', async () => {
    if (element.getAttribute('aria-disabled') === 'true') return;
    element.setAttribute('aria-disabled', 'true');
    try {
      await run();
    } catch (error) {
      announce(message(error));
    } finally {
      element.removeAttribute('aria-disabled');
    }
  });
  return element;
}

/**
 * A question in a dialog. The focus goes back to where it was when it is answered; Escape is the answer null.
 * @template T
 * @param {string} title
 * @param {(answer: (value: T | null) => void) => Child[]} content
 * @param {{ wide?: boolean, mustAnswer?: boolean }} [settings]
 * @returns {Promise<T | null>}
 */
export function ask(title, content, { wide = false, mustAnswer = false } = {}) {
  return new Promise((resolve) => {
    const id = newId('dialog');
    /** @type {T | null} */
    let given = null;
    const writing = document.activeElement instanceof HTMLTextAreaElement ? document.activeElement : null;
    const at = writing?.selectionEnd ?? 0;
    const dialog = h('dialog', { 'aria-labelledby': id, class: wide ? 'wide' : null });
    const answer = (/** @type {T | null} */ value) => {
      given = value;
      dialog.close();
    };
    dialog.append(h('h2', { id, tabindex: -1 }, title), .../** @type {Node[]} */ (content(answer).filter(Boolean)));
    dialog.addEventListener('cancel', (event) => mustAnswer && event.preventDefault());
    dialog.addEventListener('close', () => {
      dialog.remove();
      // Chromium gives the focus back, but with the cursor at the start.
      writing?.setSelectionRange(at, at);
      resolve(given);
    });
    document.body.append(dialog);
    dialog.showModal();
    if (!dialog.querySelector('[autofocus]')) dialog.querySelector('h2')?.focus();
  });
}

/**
 * Asks whether to go on.
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 */
export async function confirmed(title, text, yes) {
  const answered = await ask(title, (answer) => [
    h('p', {}, text),
    h('div', { class: 'actions' },
      h('button', { type: 'button', class: 'primary', onclick: () => answer(true) }, yes),
      h('button', { type: 'button', onclick: () => answer(null) }, 'Cancel')),
  ]);
  return answered === true;
}
