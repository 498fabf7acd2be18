// How what is typed gets to the server, and what becomes of it when it does not. No DOM; the server, the copies and the timers are given.

import { Offline, Problem, SignedOut } from './api.js';
import { fieldsOf, mergeFields, patch, same } from './merge.js';
import { uniqueId } from './text.js';

/**
 * @typedef {import('./merge.js').Fields} Fields
 * @typedef {import('./copies.js').Copy} Copy
 * @typedef {{ post: Record<string, any>, etag: string }} Stored
 */

/**
 * The calls that are needed.
 * @typedef {object} Server
 * @property {(body: Record<string, unknown>, key: string) => Promise<Stored>} create
 * @property {(slug: string, etag: string, patch: Record<string, unknown>) => Promise<Stored>} update
 * @property {(slug: string) => Promise<Stored>} read
 */

/**
 * Where what was typed is:
 * `saved` on the server, `kept` on this device only, `saving` on its way, `waiting` for the network or a pause of the server's,
 * `refused` by a rule, `conflict` with another version, `gone` because there is no such post any more, `signed-out`.
 * @typedef {'saved' | 'kept' | 'saving' | 'waiting' | 'refused' | 'conflict' | 'gone' | 'signed-out'} State
 */

/**
 * Two versions that have to be decided between.
 * @typedef {{ theirs: Stored, merged: import('./merge.js').Merged }} Clash
 */

/** After this long without a key, in milliseconds. */
const KEEP_AFTER = 200;
const SAVE_AFTER = 1500;
const MAX_PAUSE = 60_000;

/** One post that is being written in one tab. */
export class Saver {
  /**
   * @param {Copy} copy
   * @param {object} around
   * @param {Server} around.server
   * @param {Pick<import('./copies.js').Copies, 'keep' | 'forget'>} around.copies
   * @param {() => void} around.changed called when something about this has changed
   * @param {(run: () => void, milliseconds: number) => () => void} [around.later] runs something later; gives what stops that
   */
  constructor(copy, { server, copies, changed, later = timer }) {
    this.copy = copy;
    this.server = server;
    this.copies = copies;
    this.changed = changed;
    this.later = later;
    /** @type {State} */
    this.state = 'saved';
    /** Why it is not saved. @type {Error | null} */
    this.error = null;
    /** The post as the server last showed it. @type {Record<string, any> | null} */
    this.post = null;
    /** @type {Clash | null} */
    this.clash = null;
    /** Whether this device can keep a copy. */
    this.keeps = true;
    this.pause = 0;
    /** @type {Promise<boolean> | null} */
    this.running = null;
    this.stopKeeping = () => {};
    this.stopSaving = () => {};
    /** Whether nobody writes here any more. */
    this.hasStopped = false;
  }

  /** Whether something is typed that the server does not have. */
  get isDirty() {
    return Object.keys(patch(this.copy.base, this.copy.mine)).length > 0;
  }

  /** What everybody reads is changed only when somebody says so. */
  get savesItself() {
    const { status, published_at: at } = this.post ?? {};
    return status !== 'published' && !(status === 'scheduled' && Date.parse(at) <= Date.now());
  }

  /**
   * Somebody typed.
   * @param {Fields} mine
   */
  type(mine) {
    this.copy.mine = mine;
    this.copy.at = Date.now();
    if (this.state !== 'conflict' && this.state !== 'gone' && this.state !== 'signed-out') this.#become(this.isDirty ? 'kept' : 'saved');
    this.stopKeeping();
    this.stopKeeping = this.later(() => this.keep(), KEEP_AFTER);
    this.stopSaving();
    // Who has said that they log in later is not asked again by the next key.
    if (this.savesItself && this.state !== 'signed-out') this.stopSaving = this.later(() => void this.save(), SAVE_AFTER);
  }

  /** Keeps a copy on this device, at once. One that the server has is not needed. */
  keep() {
    this.stopKeeping();
    if (this.isDirty || this.copy.creating) {
      // Whoever opened the post since has the copy.
      if (this.hasStopped) return;
      const kept = this.copies.keep(this.copy);
      if (kept !== this.keeps) {
        this.keeps = kept;
        this.changed();
      }
    } else {
      this.copies.forget(this.copy);
    }
  }

  /**
   * Saves on the server what differs from it. Says whether the server has everything now.
   * @returns {Promise<boolean>}
   */
  async save() {
    this.stopSaving();
    this.keep();
    // Whoever comes while it is under way waits, and then what was typed meanwhile is saved.
    while (this.running) await this.running;
    if (this.state === 'conflict' || this.state === 'gone') return false;
    if (!this.isDirty && !this.copy.creating) {
      this.#become('saved');
      return true;
    }
    // A post has a text.
    if (this.copy.slug === '' && this.copy.mine.body.trim() === '' && !this.copy.creating) return false;
    this.#become('saving');
    this.running = this.#send().finally(() => void (this.running = null));
    const saved = await this.running;
    this.keep();
    if (!saved) return false;
    if (!this.isDirty) {
      this.#become('saved');
      return true;
    }
    // Typed while it was on its way.
    this.#become('kept');
    if (this.savesItself) this.stopSaving = this.later(() => void this.save(), SAVE_AFTER);
    return false;
  }

  /** Tries again what had to wait. */
  again() {
    if (this.state === 'waiting' || this.state === 'signed-out') {
      this.state = 'kept';
      this.pause = 0;
      return this.save();
    }
    return Promise.resolve(false);
  }

  /**
   * Takes what the server has now, whoever wrote it, and merges it with what is typed here.
   * @param {Stored} theirs
   */
  take(theirs) {
    const merged = mergeFields(this.copy.base, this.copy.mine, fieldsOf(theirs.post));
    if (merged.conflicts.length > 0) {
      this.clash = { theirs, merged };
      this.#become('conflict');
      return;
    }
    this.clash = null;
    this.#adopt(theirs, merged.fields);
    this.#become(this.isDirty ? 'kept' : 'saved');
  }

  /**
   * Ends a conflict: this is what somebody made of both versions.
   * @param {Fields} fields
   */
  decide(fields) {
    if (!this.clash) return;
    this.#adopt(this.clash.theirs, fields);
    this.clash = null;
    this.#become(this.isDirty ? 'kept' : 'saved');
    this.keep();
  }

  /** Begins a post anew with what was typed, because the one that it was typed for is gone. */
  startAnew(/** @type {string} */ id, /** @type {Fields} */ empty) {
    this.copies.forget(this.copy);
    Object.assign(this.copy, { id, slug: '', etag: '', base: empty, creating: null, mine: { ...this.copy.mine, slug: '' } });
    this.post = null;
    this.#become('kept');
    this.keep();
  }

  /** Stops all that would happen later. What is typed is kept first. */
  stop() {
    this.keep();
    this.stopSaving();
    this.hasStopped = true;
  }

  async #send() {
    try {
      if (this.copy.slug === '') await this.#create();
      else await this.#update();
      this.pause = 0;
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  async #create() {
    const sent = { ...this.copy.mine };
    // The very same request as before, if its answer was lost: under the same key it creates nothing twice.
    this.copy.creating ??= { key: uniqueId(), body: createBody(sent) };
    this.keep();
    const { key, body } = this.copy.creating;
    const stored = await this.server.create(body, key);
    this.copies.forget(this.copy);
    this.copy.id = stored.post.id;
    this.copy.creating = null;
    this.#saved(stored, sentFields(this.copy.base, body));
  }

  /** @returns {Promise<void>} */
  async #update() {
    const sent = { ...this.copy.mine };
    const { slug, etag, base } = this.copy;
    const { savesItself } = this;
    try {
      this.#saved(await this.server.update(slug, etag, patch(base, sent)), sent);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 412) {
        this.take(await this.server.read(slug));
        if (this.state === 'conflict') throw new Clashed();
        // Published meanwhile: what was meant for a draft is not shown to everybody.
        if (this.isDirty && savesItself === this.savesItself) return this.#update();
      } else if (error.status === 404) {
        // Its slug may have changed; every slug that a post ever had leads to it.
        const found = await this.server.read(slug);
        if (found.post.id !== this.copy.id || found.post.slug === slug) throw error;
        this.copy.slug = found.post.slug;
        return this.#update();
      } else {
        throw error;
      }
    }
  }

  /**
   * The server has what was sent. What was typed since stays typed.
   * @param {Stored} stored
   * @param {Fields} sent
   */
  #saved(stored, sent) {
    const { mine } = this.copy;
    const there = fieldsOf(stored.post);
    // The server writes some things otherwise than they were typed: a slug, and tags. Where nothing was typed since, that is
    // what stands; but a title that ends with a space is being typed.
    this.copy.base = { ...sent, slug: there.slug, tags: there.tags };
    this.copy.mine = {
      ...mine, slug: mine.slug === sent.slug ? there.slug : mine.slug, tags: same(mine.tags, sent.tags) ? there.tags : mine.tags,
    };
    this.#know(stored);
  }

  /**
   * @param {Stored} theirs
   * @param {Fields} mine
   */
  #adopt(theirs, mine) {
    this.copy.base = fieldsOf(theirs.post);
    this.copy.mine = mine;
    this.#know(theirs);
  }

  /** @param {Stored} stored */
  #know({ post, etag }) {
    this.copy.slug = post.slug;
    this.copy.etag = etag;
    this.post = post;
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof Clashed) return;
    this.error = error instanceof Error ? error : new Error(String(error));
    const mayPass = error instanceof Offline || (error instanceof Problem && (error.status >= 500 || error.status === 429 || error.name === 'idempotency-in-progress'));
    if (mayPass) {
      this.pause = Math.min(MAX_PAUSE, Math.max(2 * this.pause, 2000, error instanceof Problem ? error.retryAfter * 1000 : 0));
      if (!this.hasStopped) this.stopSaving = this.later(() => void this.again(), this.pause);
      this.#become('waiting', this.error);
    } else if (error instanceof SignedOut) {
      this.#become('signed-out', this.error);
    } else if (error instanceof Problem && (error.status === 404 || error.status === 410)) {
      this.#become('gone', this.error);
    } else {
      // What was refused is not the request to send again: the next one is made of what is typed by then.
      this.copy.creating = null;
      this.#become('refused', this.error);
    }
  }

  /**
   * @param {State} state
   * @param {Error | null} [error]
   */
  #become(state, error = null) {
    this.state = state;
    this.error = error;
    this.changed();
  }
}

/** A conflict is there, and is no failure. */
class Clashed extends Error {}

/** @param {Fields} fields */
function createBody(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0)));
}

/**
 * The fields that a request to create had, which may have been made before the last ones were typed.
 * @param {Fields} empty
 * @param {Record<string, unknown>} body
 * @returns {Fields}
 */
function sentFields(empty, body) {
  return /** @type {Fields} */ ({ ...empty, ...body });
}

/**
 * @param {() => void} run
 * @param {number} milliseconds
 */
function timer(run, milliseconds) {
  const id = setTimeout(run, milliseconds);
  return () => clearTimeout(id);
}

