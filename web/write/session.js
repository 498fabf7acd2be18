// Who is signed in, in all tabs.

import * as api from './api.js';
import { ask, form, h } from './dom.js';
import { uniqueId } from './text.js';

/**
 * The profile of whoever is signed in.
 * @typedef {{ id: string, username: string, email: string, display_name: string, bio: string | null, avatar_url: string | null,
 *   website_url: string | null, role: 'reader' | 'author' | 'editor' | 'admin', version: number }} Profile
 */

/** This tab, for as long as the page is open. */
export const TAB = uniqueId();

/** Which other tabs hear of, and tell. */
export const channel = new BroadcastChannel('broadsheet');

/** @type {Profile | null} */
let me = null;
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {Promise<void> | null} */
let asking = null;

// As long as this is held, the copies of this tab are written by it. It ends with the page, however the page ends.
void navigator.locks?.request(`broadsheet:tab:${TAB}`, () => new Promise(() => {}));

/** The tabs that are open. */
export async function livingTabs() {
  const held = (await navigator.locks?.query())?.held ?? [];
  const names = held.map(({ name }) => name ?? '').filter((name) => name.startsWith('broadsheet:tab:'));
  return new Set([TAB, ...names.map((name) => name.slice('broadsheet:tab:'.length))]);
}

/** Who is signed in. */
export function user() {
  return me;
}

/**
 * Whether who is signed in has at least this role.
 * @param {'author' | 'editor' | 'admin'} role
 */
export function may(role) {
  const roles = ['reader', 'author', 'editor', 'admin'];
  return me !== null && roles.indexOf(me.role) >= roles.indexOf(role);
}

/**
 * @param {() => void} listener called when somebody has signed in or out
 */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell() {
  for (const listener of listeners) listener();
}

/** Goes on with the session of the cookie, if there is one. */
export async function restore() {
  try {
    await api.refresh();
    await readProfile();
  } catch (error) {
    if (!(error instanceof api.Problem) || error.status >= 500 || error.status === 429) throw error;
  }
}

export async function readProfile() {
  me = (await api.call('GET', '/me')).body;
  tell();
  return /** @type {Profile} */ (me);
}

/**
 * @param {string} login
 * @param {string} password
 */
export async function logIn(login, password) {
  await api.logIn(login, password);
  await readProfile();
  channel.postMessage({ type: 'signed-in', user: me?.id });
}

export async function logOut() {
  await api.logOut();
  me = null;
  channel.postMessage({ type: 'signed-out' });
  tell();
}

/**
 * Asks for the password where the page is, so that what was typed stays there.
 * @returns {Promise<void>}
 */
export function askToLogIn() {
  asking ??= ask('Log in again', (answer) => [
    h('p', {}, 'Your session has ended. What you have typed is kept.'),
    form({
      label: 'Log in again', action: 'Log in',
      fields: [
        { name: 'login', label: 'Username or e-mail address', value: me?.username ?? '', required: true, autocomplete: 'username' },
        { name: 'password', label: 'Password', type: 'password', required: true, autocomplete: 'current-password' },
      ],
      submit: async ({ login, password }) => {
        await logIn(login, password);
        answer(true);
      },
      more: [h('button', { type: 'button', onclick: () => answer(null) }, 'Not now')],
    }),
  ]).then(() => void (asking = null));
  return asking;
}

api.listen({
  ended: () => void askToLogIn(),
  // What is on the page is of who was here before, whose copies are kept under their id.
  replaced() {
    channel.postMessage({ type: 'signed-in' });
    location.assign('/write');
  },
});

channel.addEventListener('message', ({ data }) => {
  if (data.type === 'signed-out') {
    api.forget();
    if (me) void askToLogIn();
  }
  if (data.type === 'signed-in' && me && data.user !== me.id) location.assign('/write');
});
