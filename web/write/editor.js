// `<post-editor>`: where a post is written; and `<tag-input>`, its tags. How the text gets to the server is in saving.js.

import { call, Offline, path, Problem, readPost } from './api.js';
import { Copies, thisDevice } from './copies.js';
import { announce, ask, button, confirmed, form, h, labelled, message, newId, onceReleased, rendered } from './dom.js';
import { go, rename } from './main.js';
import { fieldsOf, mergeFields } from './merge.js';
import { askToMerge } from './merging.js';
import { picturesOf, TYPES, upload } from './pictures.js';
import { address } from './router.js';
import { Saver } from './saving.js';
import * as session from './session.js';
import { addAll, complete, hasComma, MAX_TAGS } from './tags.js';
import { block, countWords, follow, localTime, picture, uniqueId, when, wordCount } from './text.js';

/** @typedef {import('./merge.js').Fields} Fields */
/** @typedef {import('./saving.js').Stored} Stored */

/** How many editors this tab has had. */
let editors = 0;

/** How long after a key the preview is made anew, in milliseconds. */
const PREVIEW_AFTER = 600;

/** @type {import('./saving.js').Server} */
const server = {
  create: async (body, key) => stored(await call('POST', '/posts', { body, key })),
  update: async (slug, etag, patch) => stored(await call('PATCH', path`/posts/${slug}`, { body: patch, etag })),
  read: readPost,
};

/**
 * @param {import('./api.js').Answer} answer
 * @returns {Stored}
 */
function stored({ body, etag }) {
  return { post: body, etag };
}

/**
 * Opens a post, or a new one, with what was typed on this device and is not saved.
 * @param {import('./main.js').Context} context
 * @returns {Promise<import('./main.js').View>}
 */
export async function edit({ params: { slug }, query }) {
  if (!session.may('author')) return { title: 'Write', content: h('p', {}, 'Only authors may write posts. Ask an administrator.') };
  const copies = new Copies(thisDevice(), session.user()?.id ?? '');
  const living = await session.livingTabs();
  // The editor that this tab had before is gone.
  living.delete(session.TAB);
  const empty = fieldsOf({});
  /** @type {Stored | null} */
  let there = null;
  let id = query.get('copy') ?? `new:${uniqueId()}`;
  if (slug) {
    try {
      there = await server.read(slug);
      id = there.post.id;
    } catch (error) {
      // What is typed here can be gone on with, and merged when there is a network again.
      const copy = copies.left(living).find((other) => other.slug === slug);
      if (!(error instanceof Offline) || !copy) throw error;
      id = copy.id;
    }
  } else if (!query.get('copy')) {
    rename(address('new', {}, { copy: id }));
  }
  const left = copies.left(living).filter((copy) => copy.id === id);
  const first = left[0];
  const fresh = there ? { slug: there.post.slug, etag: there.etag, base: fieldsOf(there.post), mine: fieldsOf(there.post), creating: null } : { slug: '', etag: '', base: empty, mine: empty, creating: null };
  const { slug: at, etag, base, mine, creating } = first ?? fresh;
  const editor = new PostEditor();
  const saver = new Saver({ id, writer: `${session.TAB}.${++editors}`, slug: at, etag, base, mine, creating, at: first?.at ?? Date.now() }, { server, copies, changed: () => editor.changed() });
  editor.saver = saver;
  if (there) saver.take(there);
  // What several tabs have left is put together. What cannot be waits for the next time that the post is opened.
  const adopted = first ? [first] : [];
  for (const copy of left.slice(1)) {
    const merged = mergeFields(copy.base, copy.mine, saver.copy.mine);
    if (saver.state === 'conflict' || merged.conflicts.length > 0) continue;
    saver.copy.mine = merged.fields;
    adopted.push(copy);
  }
  saver.keep();
  if (saver.keeps) for (const copy of adopted) copies.forget(copy);
  if (first) announce('What you typed on this device was brought back.');
  return { title: there || first ? 'Edit the post' : 'Write a post', content: editor, leave: () => editor.leave() };
}

export class PostEditor extends HTMLElement {
  /** @type {Saver} */
  saver = /** @type {any} */ (undefined);
  #title = h('input', { id: 'title', name: 'title', maxlength: 200, autocomplete: 'off', dir: 'auto' });
  #body = h('textarea', { id: 'body', name: 'body', rows: 16, 'aria-describedby': 'body-hint words', spellcheck: 'true', dir: 'auto' });
  #tags = new TagInput();
  #details = [
    labelled({ name: 'summary', label: 'Summary', type: 'textarea', maxlength: 500, hint: 'Shown in lists and in search results. Without it, the text begins there.' }),
    labelled({ name: 'slug', label: 'Address', maxlength: 100, hint: 'The last part of the post’s address. Without it, it is made of the title.' }),
    labelled({ name: 'language', label: 'Language', maxlength: 35, hint: 'Such as en or pt-BR, if it is another than that of the blog.' }),
    labelled({ name: 'cover_image_url', label: 'Address of a cover picture', type: 'url' }),
    labelled({ name: 'canonical_url', label: 'Address of the original', type: 'url', hint: 'If it was published elsewhere first.' }),
    labelled({ name: 'meta_title', label: 'Title for search engines', maxlength: 200 }),
    labelled({ name: 'meta_description', label: 'Description for search engines', maxlength: 500 }),
    labelled({ name: 'comments_open', label: 'Readers may comment', type: 'checkbox' }),
  ];
  #state = h('p', { class: 'state', id: 'state' });
  #words = h('p', { class: 'hint', id: 'words' });
  #actions = h('div', { class: 'actions' });
  #preview = h('section', { class: 'preview', 'aria-label': 'Preview', hidden: true });
  #previewButton = button('Preview', () => this.#togglePreview(), { 'aria-pressed': 'false' });
  /** Why what is typed is not saved. */
  #refusal = h('div', { role: 'alert' });
  /** Why something else did not work. */
  #error = h('div', { role: 'alert' });
  #stopPreview = () => {};
  #stopCounting = () => {};
  #previewTurn = 0;
  /** What is around as long as this is shown. @type {(() => void)[]} */
  #around = [];
  #shownActions = '';
  #asking = false;
  #left = false;

  connectedCallback() {
    const chooser = h('input', { type: 'file', accept: TYPES.join(','), multiple: true, hidden: true, tabindex: -1, 'aria-label': 'Pictures', onchange: () => {
      void this.#addPictures([...(chooser.files ?? [])]).then(() => void (chooser.value = ''));
    } });
    const bar = h('div', { class: 'toolbar', role: 'group', 'aria-label': 'Tools' },
      this.#previewButton, h('button', { type: 'button', onclick: () => chooser.click() }, 'Add pictures …'), chooser);
    this.replaceChildren(
      this.#refusal, this.#error,
      h('div', { class: 'field' }, h('label', { for: 'title' }, 'Title'), this.#title),
      h('div', { class: 'sides' },
        h('div', { class: 'field' }, h('label', { for: 'body' }, 'Text'), h('p', { class: 'hint', id: 'body-hint' }, 'In Markdown. Drop or paste pictures into it.'), bar, this.#body, this.#words, help()),
        this.#preview),
      this.#tags,
      h('details', {}, h('summary', {}, 'More settings'), this.#details.map(({ element }) => element)),
      this.#state,
      this.#actions);
    this.#fill(this.saver.copy.mine);
    if (this.#title.value === '') this.#title.setAttribute('autofocus', '');
    this.addEventListener('input', () => this.#typed());
    this.addEventListener('change', () => this.#typed());
    this.#listen();
    void this.#tags.know();
    this.changed();
  }

  disconnectedCallback() {
    for (const stop of this.#around.splice(0)) stop();
  }

  /**
   * What is typed is kept, and saved if that may be done. Where this device keeps nothing and the server does not have it, whoever goes
   * is asked. Says whether they go.
   */
  async leave() {
    const { saver } = this;
    // The address may be another one by now.
    this.#left = true;
    saver.keep();
    const saving = saver.savesItself && saver.isDirty ? saver.save() : null;
    if (!saver.keeps) {
      await saving;
      if (saver.isDirty && !(await confirmed('Leave without saving?', 'This device can keep no copy. What you have typed here would be lost.', 'Leave'))) {
        this.#left = false;
        this.changed();
        return false;
      }
    }
    saver.stop();
    return true;
  }

  #listen() {
    const { saver } = this;
    const on = (/** @type {EventTarget} */ target, /** @type {string} */ type, /** @type {(event: any) => void} */ listener) => {
      target.addEventListener(type, listener);
      this.#around.push(() => target.removeEventListener(type, listener));
    };
    on(window, 'pagehide', () => saver.keep());
    on(document, 'visibilitychange', () => document.hidden && saver.keep());
    on(window, 'beforeunload', (event) => {
      saver.keep();
      if (saver.isDirty && !saver.keeps) event.preventDefault();
    });
    on(window, 'online', () => void saver.again());
    on(session.channel, 'message', ({ data }) => void this.#heard(data));
    this.#around.push(session.onChange(() => void saver.again()));
    on(this.#body, 'dragover', (event) => event.preventDefault());
    for (const type of ['drop', 'paste']) {
      on(this.#body, type, (event) => {
        const pictures = picturesOf(event.dataTransfer ?? event.clipboardData);
        if (pictures.length === 0) return;
        event.preventDefault();
        void this.#addPictures(pictures);
      });
    }
    on(this, 'keydown', (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === 's') {
        event.preventDefault();
        void this.#save();
      }
    });
  }

  /** Another tab saved this post. @param {any} data */
  async #heard({ type, id, etag }) {
    const { saver } = this;
    if (type !== 'saved' || id !== saver.copy.id || etag === saver.copy.etag || saver.isDirty || saver.running) return;
    try {
      const theirs = await server.read(saver.copy.slug);
      if (!saver.isDirty) saver.take(theirs);
      this.#fill(saver.copy.mine);
    } catch {
      // The next time that this tab saves it will find out.
    }
  }

  #typed() {
    this.saver.type(this.#read());
    this.#count();
    this.#previewLater();
  }

  /** What stands in the fields. @returns {Fields} */
  #read() {
    const details = Object.fromEntries(this.#details.map(({ name, value }) => [name, value]));
    return /** @type {Fields} */ ({ title: this.#title.value, body: this.#body.value, tags: this.#tags.tags, ...details });
  }

  /**
   * Shows these fields. The cursor stays where it is in the text.
   * @param {Fields} fields
   */
  #fill(fields) {
    if (this.#title.value !== fields.title) this.#title.value = fields.title;
    const before = this.#body.value;
    if (before !== fields.body) {
      const [start, end] = [this.#body.selectionStart, this.#body.selectionEnd].map((at) => follow(before, fields.body, at));
      this.#body.value = fields.body;
      this.#body.setSelectionRange(start, end);
    }
    this.#tags.tags = fields.tags;
    for (const { name, control } of this.#details) {
      const value = fields[/** @type {keyof Fields} */ (name)];
      if (control instanceof HTMLInputElement && control.type === 'checkbox') control.checked = value === true;
      else if (control.value !== value) control.value = String(value);
    }
    this.#count();
    this.#previewLater();
  }

  /** Not at each key: a long text has many words. */
  #count() {
    this.#stopCounting();
    const id = setTimeout(() => void (this.#words.textContent = wordCount(countWords(this.#body.value))), 200);
    this.#stopCounting = () => clearTimeout(id);
  }

  /** The saver has something to tell. */
  changed() {
    if (!this.isConnected || this.#left) return;
    const { saver } = this;
    const { state, copy } = saver;
    const isLive = !saver.savesItself;
    const texts = {
      saved: copy.slug === '' ? 'Nothing is typed yet.' : isLive ? 'Published as you see it.' : 'Saved.',
      kept: isLive ? 'Changed, and kept on this device. Readers see the version before.' : copy.slug === '' && copy.mine.body.trim() === '' ? 'Kept on this device. A post is saved once it has a text.' : 'Kept on this device.',
      saving: 'Saving …',
      waiting: `Kept on this device. ${saver.error ? message(saver.error) : ''} It will be saved later.`,
      refused: 'Kept on this device, but not saved.',
      conflict: 'Kept on this device. The post was changed elsewhere.',
      gone: 'Kept on this device. The post itself was deleted.',
      'signed-out': 'Kept on this device. Log in to save it.',
    };
    const text = saver.keeps || !saver.isDirty ? texts[state] : 'This device can keep no copy. Do not close this page before it is saved.';
    if (this.#state.textContent !== text) {
      this.#state.textContent = text;
      if (['waiting', 'gone', 'signed-out'].includes(state) || text !== texts[state]) announce(text);
    }
    this.#state.dataset.state = state;
    this.#showError();
    if (state !== 'saving') this.#fillWhatSavingChanged();
    if (copy.slug !== '' && location.pathname !== address('edit', { slug: copy.slug }) && state !== 'saving') rename(address('edit', { slug: copy.slug }));
    if (state === 'saved' && copy.slug !== '') session.channel.postMessage({ type: 'saved', id: copy.id, etag: copy.etag });
    this.#showActions();
    if (state === 'conflict' && !this.#asking) void this.#merge();
  }

  /** A save may have merged what others wrote, or made the address. */
  #fillWhatSavingChanged() {
    this.#fill(this.saver.copy.mine);
  }

  #showError() {
    const { state, error } = this.saver;
    const errors = state === 'refused' ? /** @type {any} */ (error)?.errors ?? [] : [];
    for (const field of this.#details) field.say(errors.filter((/** @type {any} */ { pointer }) => pointer === `/${field.name}`).map((/** @type {any} */ { detail }) => `This ${detail}.`).join(' '));
    const others = errors.filter((/** @type {any} */ { pointer }) => !this.#details.some(({ name }) => pointer === `/${name}`));
    const text = state !== 'refused' ? '' : others.length > 0 ? others.map((/** @type {any} */ { pointer, detail }) => `${pointer.slice(1)} ${detail}.`).join(' ') : errors.length > 0 ? 'Not saved: see “More settings”.' : message(error);
    this.#say(this.#refusal, text);
  }

  /**
   * Says what went wrong.
   * @param {HTMLElement} alert
   * @param {string} text
   */
  #say(alert, text) {
    if (alert.textContent !== text) alert.replaceChildren(...(text ? [h('p', { class: 'error' }, text)] : []));
  }

  #showActions() {
    const { saver } = this;
    const { state, post } = saver;
    const status = post?.status ?? 'new';
    const dirty = saver.isDirty;
    const key = [status, state === 'conflict', state === 'gone', status === 'published' && dirty, post?.published_at].join();
    if (key === this.#shownActions) return;
    this.#shownActions = key;
    const had = this.#actions.contains(document.activeElement);
    /** @type {(Node | false | null | undefined)[]} */
    const actions =
      state === 'gone' ? [button('Save as a new draft', () => this.#startAnew(), { class: 'primary' })]
      : state === 'conflict' ? [button('Merge …', () => this.#merge(), { class: 'primary' })]
      : [
          status === 'published' ? button('Update', () => this.#save('Readers see this version now.'), { class: 'primary' }) : button('Publish', () => this.#publish(), { class: 'primary' }),
          status !== 'published' && button('Save', () => this.#save()),
          status !== 'published' && button(status === 'scheduled' ? 'Change the time …' : 'Schedule …', () => this.#schedule()),
          status === 'scheduled' && h('span', {}, `To be published ${when(post?.published_at)}.`),
          (status === 'published' || status === 'scheduled') && button(status === 'published' ? 'Unpublish' : 'Do not publish', () => this.#unpublish()),
          post && status === 'published' && h('a', { href: `/posts/${post.slug}` }, 'View on the blog'),
          post && button('Versions', () => this.#open('revisions')),
          post && status !== 'published' && button('Link to this draft …', () => this.#link()),
          post && button('Move to the trash', () => this.#trash()),
        ];
    this.#actions.replaceChildren(.../** @type {Node[]} */ (actions.filter(Boolean)));
    if (had) this.#actions.querySelector('button')?.focus();
  }

  /** Saves what is typed; says whether all of it is there. */
  async #save(text = 'Saved.') {
    const { saver } = this;
    saver.type(this.#read());
    const { savesItself } = saver;
    let saved = await saver.save();
    // Typed while it was on its way.
    while (!saved && saver.state === 'kept' && saver.isDirty && saver.copy.mine.body.trim() !== '' && savesItself === saver.savesItself) saved = await saver.save();
    const isThere = saver.copy.slug !== '';
    if (saved && isThere) announce(text);
    else if (savesItself !== saver.savesItself) announce('The post was published meanwhile. Readers see the version before.');
    else if (saved || saver.state === 'kept') announce('A post needs a text.');
    else if (saver.state !== 'conflict' && saver.error) announce(message(saver.error));
    return saved && isThere;
  }

  /**
   * Does something to the post as it is typed. If somebody changed it meanwhile, that is merged first: what is published is what is seen.
   * @param {string} action the end of the path
   * @param {Record<string, unknown>} body
   * @param {string} text
   * @returns {Promise<boolean>}
   */
  async #act(action, body, text) {
    const { saver } = this;
    // What is withdrawn is not shown to everybody first.
    if (action !== 'unpublish' && !(await this.#save(''))) return false;
    this.#say(this.#error, '');
    try {
      const { post, etag } = stored(await call('POST', `${path`/posts/${saver.copy.slug}`}/${action}`, { body, etag: saver.copy.etag }));
      // Without a summary it shows how the text begins.
      saver.take({ post: { ...post, summary: saver.copy.base.summary }, etag });
    } catch (error) {
      if (error instanceof Problem && error.status === 412) return this.#actOnMerged(action, body, text);
      this.#say(this.#error, message(error));
      return false;
    }
    this.changed();
    announce(text);
    if (saver.savesItself && saver.isDirty) void saver.save();
    return true;
  }

  /**
   * @param {string} action
   * @param {Record<string, unknown>} body
   * @param {string} text
   * @returns {Promise<boolean>}
   */
  async #actOnMerged(action, body, text) {
    this.saver.take(await server.read(this.saver.copy.slug));
    return this.saver.state === 'conflict' ? false : this.#act(action, body, text);
  }

  #publish() {
    return this.#act('publish', {}, 'Published.');
  }

  #unpublish() {
    return this.#act('unpublish', {}, 'The post is a draft again.');
  }

  #schedule() {
    return ask('When shall it be published?', (answer) => [
      form({
        label: 'Schedule', action: 'Schedule',
        fields: [{ name: 'at', label: 'Date and time', type: 'datetime-local', value: localTime(new Date(Date.now() + 24 * 60 * 60 * 1000)), required: true, hint: 'In the time zone of this device.' }],
        submit: async ({ at }) => {
          const time = new Date(at);
          if (!(time.getTime() > Date.now())) throw new Error('Choose a time that is still to come.');
          answer(null);
          // The dialog is closed first: what is said about the post stands on its page.
          const publish_at = time.toISOString();
          await this.#act('publish', { publish_at }, `To be published ${when(publish_at)}.`);
        },
        more: [h('button', { type: 'button', onclick: () => answer(null) }, 'Cancel')],
      }),
    ]);
  }

  async #trash() {
    if (!(await confirmed('Move this post to the trash?', 'You can restore it for 30 days.', 'Move to the trash'))) return;
    // What is typed goes with it. What readers would see first stays on this device, for when the post is restored.
    if (this.saver.savesItself) await this.#save('');
    await call('DELETE', path`/posts/${this.saver.copy.slug}`);
    this.saver.stop();
    announce('The post is in the trash.');
    await go(address('posts', {}, { status: 'trashed' }));
  }

  /** @param {string} view */
  #open(view) {
    return go(address(view, { slug: this.saver.copy.slug }));
  }

  async #link() {
    if (!(await this.#save(''))) return;
    const { body } = await call('POST', path`/posts/${this.saver.copy.slug}/preview`);
    // The page of the blog shows it by the same query.
    const link = new URL(body.url);
    const shown = new URL(link.pathname.replace(/^\/v1/, '') + link.search, location.origin).href;
    await ask('Link to this draft', (answer) => {
      const field = labelled({ name: 'link', label: `Whoever has it can read the post until ${when(body.expires_at)}`, value: shown });
      field.control.setAttribute('readonly', '');
      return [field.element, h('div', { class: 'actions' },
        button('Copy', async () => {
          await navigator.clipboard.writeText(shown);
          announce('Copied.');
        }),
        button('Revoke all links to it', async () => {
          await call('DELETE', path`/posts/${this.saver.copy.slug}/preview`);
          announce('No link shows it any more.');
          answer(null);
        }),
        h('button', { type: 'button', onclick: () => answer(null) }, 'Close'))];
    });
  }

  async #startAnew() {
    const id = `new:${uniqueId()}`;
    this.saver.startAnew(id, fieldsOf({}));
    rename(address('new', {}, { copy: id }));
    await this.#save('Saved as a new draft.');
  }

  async #merge() {
    const { saver } = this;
    if (!saver.clash) return;
    this.#asking = true;
    // Something may have been typed since the versions were compared.
    saver.take(saver.clash.theirs);
    const fields = saver.clash ? await askToMerge(saver.clash.merged) : saver.copy.mine;
    this.#asking = false;
    if (!fields) return this.#body.focus();
    saver.decide(fields);
    this.#fill(fields);
    this.#body.focus();
    if (saver.savesItself) await saver.save();
    announce('Both versions are put together.');
  }

  /** @param {File[]} files */
  async #addPictures(files) {
    this.#say(this.#error, '');
    for (const file of files) {
      const alt = await ask(`Describe the picture ${file.name}`, (/** @type {(alt: string | null) => void} */ answer) => [
        form({
          label: 'Description', action: 'Add the picture',
          fields: [{ name: 'alt', label: 'What does it show?', hint: 'For those who do not see it. Empty if it only decorates.', maxlength: 500 }],
          submit: async ({ alt: typed }) => answer(typed),
          more: [h('button', { type: 'button', onclick: () => answer(null) }, 'Cancel')],
        }),
      ]);
      if (alt === null) continue;
      this.#state.textContent = `Uploading ${file.name} …`;
      announce(`Uploading ${file.name} …`);
      try {
        const shown = await upload(file, alt);
        this.#insert(picture(alt, shown));
        announce(`${file.name} is added.`);
      } catch (error) {
        this.#say(this.#error, message(error));
      }
      this.changed();
    }
  }

  /** @param {string} markdown */
  #insert(markdown) {
    const body = this.#body;
    const at = body.selectionEnd;
    const inserted = block(body.value, at, markdown);
    body.focus();
    body.setSelectionRange(at, at);
    // Deprecated, and the only way that can be undone by the keyboard.
    if (!document.execCommand('insertText', false, inserted)) body.setRangeText(inserted, at, at, 'end');
    this.#typed();
  }

  async #togglePreview() {
    const shown = this.#preview.hidden === true;
    this.#preview.hidden = !shown;
    this.#previewButton.setAttribute('aria-pressed', String(shown));
    this.toggleAttribute('data-preview', shown);
    if (!shown) return;
    await this.#showPreview();
    // On a phone it is below the text.
    if (this.#preview.getBoundingClientRect().top > innerHeight) this.#preview.scrollIntoView();
  }

  #previewLater() {
    this.#stopPreview();
    if (this.#preview.hidden) return;
    const id = setTimeout(() => void this.#showPreview(), PREVIEW_AFTER);
    this.#stopPreview = () => clearTimeout(id);
  }

  async #showPreview() {
    const turn = ++this.#previewTurn;
    const body = this.#body.value;
    if (body.trim() === '') return this.#preview.replaceChildren(h('p', { class: 'hint' }, 'There is nothing to show yet.'));
    try {
      const { body: made } = await call('POST', '/markdown', { body: { body } });
      if (turn !== this.#previewTurn) return;
      this.#preview.replaceChildren(h('h2', { dir: 'auto' }, this.#title.value), rendered(made.html));
      this.#words.textContent = wordCount(made.word_count);
    } catch (error) {
      if (turn === this.#previewTurn) this.#preview.replaceChildren(h('p', { class: 'error' }, message(error)));
    }
  }
}

/** How to write what is often needed. */
function help() {
  const written = [
    ['**important**', 'bold'], ['*stressed*', 'italic'], ['## A heading', 'a heading, on a line of its own'], ['- one thing', 'a list, a line for each'],
    ['[a link](https://example.com)', 'a link'], ['> said by others', 'a quotation'], ['```', 'code, between two such lines'], ['[^1] … [^1]: A note.', 'a footnote, and its text at the end'],
  ];
  return h('details', {}, h('summary', {}, 'How to write Markdown'),
    h('p', { class: 'hint' }, 'An empty line begins a new paragraph.'),
    h('dl', { class: 'help' }, written.map(([typed, shown]) => [h('dt', {}, h('code', {}, typed)), h('dd', {}, shown)]).flat()));
}

/** Tags, each with a button that removes it, and a field that completes what is typed (the combobox pattern of ARIA's guide). */
export class TagInput extends HTMLElement {
  #list = h('ul', { class: 'tags' });
  #options = h('ul', { role: 'listbox', class: 'options', id: newId('tags'), 'aria-label': 'Tags', hidden: true });
  #input = h('input', { id: newId('tag'), autocomplete: 'off', role: 'combobox', 'aria-expanded': 'false', 'aria-controls': this.#options.id, 'aria-autocomplete': 'list' });
  /** @type {{ tag: string, posts: number }[]} */
  #known = [];
  /** @type {string[]} */
  #tags = [];
  #active = -1;
  /** Why what is typed is no tag. */
  #error = h('p', { id: newId('tags-error'), class: 'error', role: 'alert' });

  connectedCallback() {
    if (this.firstChild) return;
    const hint = newId('hint');
    this.#input.setAttribute('aria-describedby', `${hint} ${this.#error.id}`);
    this.append(h('div', { class: 'field' },
      h('label', { for: this.#input.id }, 'Tags', h('span', { class: 'optional' }, ' (optional)')),
      h('p', { class: 'hint', id: hint }, `Up to ${MAX_TAGS}. Enter or a comma adds one.`),
      this.#list, h('div', { class: 'combobox' }, this.#input, this.#options), this.#error));
    for (const type of ['input', 'compositionend']) this.#input.addEventListener(type, (event) => {
      // What is typed here is no tag yet.
      event.stopPropagation();
      this.#say('');
      // Not every keyboard has keys, and a text that is pasted has none. What is being composed is left alone.
      if (hasComma(this.#input.value) && !(event instanceof InputEvent && event.isComposing)) this.#add(this.#input.value);
      this.#suggest();
    });
    this.#input.addEventListener('change', (event) => event.stopPropagation());
    this.#input.addEventListener('keydown', (event) => this.#pressed(event));
    this.#input.addEventListener('blur', () => onceReleased(() => this.#add(`${this.#input.value},`)));
  }

  /** Learns which tags there are. Without them it does without. */
  async know() {
    try {
      this.#known = (await call('GET', '/tags?sort=count&limit=100')).body.items;
    } catch {
      this.#known = [];
    }
    if (this.#input.value !== '') this.#suggest();
  }

  get tags() {
    return this.#tags;
  }

  set tags(tags) {
    if (this.#tags.join() === tags.join() && this.#list.childElementCount === tags.length) return;
    this.#tags = tags;
    this.#list.replaceChildren(...tags.map((tag) => h('li', {}, tag, button('×', () => this.#remove(tag), { 'aria-label': `Remove the tag ${tag}` }))));
    this.#list.hidden = tags.length === 0;
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const shown = [...this.#options.children];
    if (event.key === 'Enter' || event.key === ',') {
      event.preventDefault();
      this.#add(`${this.#active >= 0 ? shown[this.#active].textContent : this.#input.value},`);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (shown.length === 0) return this.#suggest();
      const by = event.key === 'ArrowDown' ? 1 : -1;
      this.#active = this.#active < 0 && by < 0 ? shown.length - 1 : (this.#active + by + shown.length) % shown.length;
      shown.forEach((option, i) => option.setAttribute('aria-selected', String(i === this.#active)));
      this.#input.setAttribute('aria-activedescendant', shown[this.#active].id);
    } else if (event.key === 'Escape') {
      this.#close();
    } else if (event.key === 'Backspace' && this.#input.value === '' && this.#tags.length > 0) {
      this.#remove(this.#tags[this.#tags.length - 1]);
    }
  }

  #suggest() {
    const found = complete(this.#input.value, this.#known, this.#tags);
    this.#active = -1;
    this.#input.removeAttribute('aria-activedescendant');
    this.#options.replaceChildren(...found.map((tag) => h('li', {
      role: 'option', id: newId('option'), 'aria-selected': 'false',
      // Before the field loses the focus, which would add what is typed.
      onmousedown: (/** @type {Event} */ event) => {
        event.preventDefault();
        this.#add(`${tag},`);
      },
    }, tag)));
    this.#options.hidden = found.length === 0;
    this.#input.setAttribute('aria-expanded', String(found.length > 0));
  }

  #close() {
    this.#options.replaceChildren();
    this.#options.hidden = true;
    this.#active = -1;
    this.#input.setAttribute('aria-expanded', 'false');
    this.#input.removeAttribute('aria-activedescendant');
  }

  /**
   * Adds what has a comma behind it.
   * @param {string} typed
   */
  #add(typed) {
    const { tags, left, wrong } = addAll(this.#tags, typed);
    const added = tags.slice(this.#tags.length);
    this.#say(wrong);
    this.#close();
    // What is no tag stays where it was typed.
    this.#input.value = left;
    if (added.length === 0) return;
    this.tags = tags;
    announce(added.length === 1 ? `Tag ${added[0]} added.` : `Tags ${added.join(', ')} added.`);
    this.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** @param {string} wrong */
  #say(wrong) {
    this.#error.textContent = wrong;
    if (wrong) this.#input.setAttribute('aria-invalid', 'true');
    else this.#input.removeAttribute('aria-invalid');
  }

  /** @param {string} tag */
  #remove(tag) {
    this.#say('');
    this.tags = this.#tags.filter((other) => other !== tag);
    announce(`Tag ${tag} removed.`);
    this.#input.focus();
    this.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

customElements.define('tag-input', TagInput);
customElements.define('post-editor', PostEditor);
