// Copies on this device of what was typed and is not on the server yet. They are written to localStorage, which is written at once
// and by a tab that is being closed too; IndexedDB is neither. No network.

/**
 * What was typed in one tab, and what it was made of.
 * @typedef {object} Copy
 * @property {string} id of the post, or of what will be one
 * @property {string} writer who typed it: a tab, a dot, and which editor in it
 * @property {string} slug empty while there is no post
 * @property {string} etag the version that `base` is of
 * @property {import('./merge.js').Fields} base what the server had
 * @property {import('./merge.js').Fields} mine what was typed
 * @property {{ key: string, body: Record<string, unknown> } | null} creating a request to create the post whose answer may be lost
 * @property {number} at when it was typed
 */

/** @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>} Place */

/**
 * Where this device keeps copies; a place that is always full where the browser lets pages keep nothing.
 * @returns {Place}
 */
export function thisDevice() {
  try {
    return localStorage;
  } catch {
    return {
      length: 0, key: () => null, getItem: () => null, removeItem() {},
      setItem() {
        throw new Error('This browser keeps nothing.');
      },
    };
  }
}

/** A comment that is typed and not sent. It stays on this device until it is. */
export class Unsent {
  /**
   * @param {Place} storage
   * @param {string} user the id of the user
   * @param {string} post the id of the post
   * @param {string | null} parent the comment that it answers
   */
  constructor(storage, user, post, parent) {
    this.storage = storage;
    this.key = `broadsheet:comment:${user}:${post}:${parent ?? ''}`;
  }

  get text() {
    return this.storage.getItem(this.key) ?? '';
  }

  set text(text) {
    try {
      if (text === '') this.storage.removeItem(this.key);
      else this.storage.setItem(this.key, text);
    } catch {
      // The device is full. It is typed, and can be sent.
    }
  }
}

/** The copies of one user. */
export class Copies {
  /**
   * @param {Place} storage
   * @param {string} user the id of the user; others on this device see none of theirs
   */
  constructor(storage, user) {
    this.storage = storage;
    this.prefix = `broadsheet:copy:${user}:`;
  }

  /**
   * Keeps a copy. Says whether that worked: a device may be full.
   * @param {Copy} copy
   */
  keep(copy) {
    try {
      this.storage.setItem(this.#key(copy), JSON.stringify(copy));
      return true;
    } catch {
      return false;
    }
  }

  /** @param {Pick<Copy, 'id' | 'writer'>} copy */
  forget(copy) {
    try {
      this.storage.removeItem(this.#key(copy));
    } catch {
      // What cannot be removed is merged once more, which changes nothing.
    }
  }

  /**
   * All copies, the oldest first.
   * @returns {Copy[]}
   */
  all() {
    /** @type {Copy[]} */
    const found = [];
    for (let i = 0; i < this.storage.length; i++) {
      const key = this.storage.key(i);
      if (!key?.startsWith(this.prefix)) continue;
      try {
        const copy = JSON.parse(this.storage.getItem(key) ?? '');
        if (copy?.base && copy.mine && copy.writer) found.push(copy);
      } catch {
        // Not ours, or of a time when copies looked different.
      }
    }
    return found.sort((a, b) => a.at - b.at);
  }

  /**
   * The copies that no tab writes any more, the oldest first.
   * @param {ReadonlySet<string>} living the tabs that are open
   */
  left(living) {
    return this.all().filter(({ writer }) => !living.has(writer.split('.')[0]));
  }

  /** @param {Pick<Copy, 'id' | 'writer'>} copy */
  #key({ id, writer }) {
    return `${this.prefix}${id}:${writer}`;
  }
}
