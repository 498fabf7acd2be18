// Logging in, registering, and what is done with codes that were sent by e-mail.

import { call, Problem } from './api.js';
import { announce, form, h, message } from './dom.js';
import { go } from './main.js';
import { address, match, onward, ROOT } from './router.js';
import * as session from './session.js';
import { uniqueId } from './text.js';

/** What was typed in one view and is asked for in the next. In memory only. */
const pending = { email: '', password: '' };

/** @typedef {import('./main.js').Context} Context */
/** @typedef {import('./main.js').View} View */

/** @returns {View} */
export function logIn() {
  return {
    title: 'Log in',
    content: h('div', { class: 'narrow' },
      form({
        action: 'Log in',
        fields: [
          { name: 'login', label: 'Username or e-mail address', required: true, autocomplete: 'username' },
          { name: 'password', label: 'Password', type: 'password', required: true, autocomplete: 'current-password' },
        ],
        async submit({ login, password }) {
          try {
            await session.logIn(login, password);
          } catch (error) {
            if (!(error instanceof Problem) || error.name !== 'user-not-confirmed') throw error;
            Object.assign(pending, { email: login.includes('@') ? login : '', password });
            return go(address('confirm', {}, onward()));
          }
          await goOn();
        },
      }),
      h('p', {}, h('a', { href: address('forgot') }, 'I forgot my password')),
      h('p', {}, h('a', { href: address('register', {}, onward()) }, 'Register'))),
  };
}

/**
 * @param {Context} context
 * @returns {View}
 */
export function register({ query }) {
  return {
    title: 'Register',
    content: h('div', { class: 'narrow' },
      form({
        action: 'Register',
        fields: [
          { name: 'username', label: 'Username', required: true, autocomplete: 'username', hint: '3 to 30 letters a-z, digits, hyphens and underscores.' },
          { name: 'email', label: 'E-mail address', type: 'email', required: true, autocomplete: 'email' },
          { name: 'password', label: 'Password', type: 'password', required: true, autocomplete: 'new-password', hint: 'At least 8 characters. A few words are better than one with signs in it.' },
          { name: 'display_name', label: 'Name that is shown', autocomplete: 'name', maxlength: 80 },
          { name: 'invitation', label: 'Invitation code', value: query.get('invitation') ?? '', hint: 'If you were given one.' },
        ],
        async submit(values) {
          const body = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
          const { body: profile } = await call('POST', '/users', { body, key: uniqueId() });
          Object.assign(pending, { email: values.email, password: values.password });
          if (profile.status === 'unconfirmed') {
            announce('A code was sent to your address.');
            return go(address('confirm', {}, onward()));
          }
          await enter(values.email);
        },
      }),
      h('p', {}, h('a', { href: address('log-in', {}, onward()) }, 'I have an account'))),
  };
}

/** @returns {View} */
export function confirm() {
  const status = h('p', { role: 'status' });
  const confirming = form({
    label: 'Confirm the address', action: 'Confirm',
    fields: [
      { name: 'email', label: 'E-mail address', type: 'email', value: pending.email, required: true, autocomplete: 'email' },
      { name: 'code', label: 'Code', required: true, autocomplete: 'one-time-code', hint: 'It is in the message that was sent to you.' },
    ],
    async submit({ email, code }) {
      await call('POST', '/users/confirm', { body: { email, code: code.trim() } });
      announce('Your address is confirmed.');
      await enter(email);
    },
    more: [h('button', { type: 'button', onclick: async () => {
      const email = /** @type {HTMLInputElement} */ (confirming.elements.namedItem('email')).value;
      try {
        await call('POST', '/users/confirm/resend', { body: { email } });
        status.textContent = 'If this address waits for a code, a new one is on its way.';
      } catch (error) {
        status.textContent = message(error);
      }
    } }, 'Send another code')],
  });
  return { title: 'Confirm your address', content: h('div', { class: 'narrow' }, confirming, status) };
}

/** @returns {View} */
export function forgot() {
  return {
    title: 'Forgot your password?',
    content: h('div', { class: 'narrow' }, form({
      action: 'Send me a code',
      fields: [{ name: 'email', label: 'E-mail address', type: 'email', required: true, autocomplete: 'email' }],
      async submit({ email }) {
        await call('POST', '/password/forgot', { body: { email } });
        pending.email = email;
        announce('If this address has an account, a code was sent to it.');
        await go(address('reset'));
      },
    })),
  };
}

/** @returns {View} */
export function reset() {
  return {
    title: 'Choose a new password',
    content: h('div', { class: 'narrow' }, form({
      action: 'Set the password',
      fields: [
        { name: 'email', label: 'E-mail address', type: 'email', value: pending.email, required: true, autocomplete: 'email' },
        { name: 'code', label: 'Code', required: true, autocomplete: 'one-time-code', hint: 'If the address has an account, the code is in the message that was sent to it.' },
        { name: 'new_password', label: 'New password', type: 'password', required: true, autocomplete: 'new-password' },
      ],
      async submit({ email, code, new_password }) {
        await call('POST', '/password/reset', { body: { email, code: code.trim(), new_password } });
        pending.password = new_password;
        await enter(email);
      },
    })),
  };
}

/**
 * Logs in with what was typed before, or asks for it.
 * @param {string} email
 */
async function enter(email) {
  const { password } = pending;
  Object.assign(pending, { email: '', password: '' });
  if (!password) return go(address('log-in', {}, onward()));
  await session.logIn(email, password);
  await goOn();
}

/** Goes where somebody wanted to before they logged in, if it is a view of ours: what an address of somebody else's asks for is not followed. */
async function goOn() {
  const path = new URL(onward()?.to ?? ROOT, location.origin);
  await go(path.origin === location.origin && match(path.pathname) ? path.pathname + path.search : ROOT);
}
