// The profile, the address and the password of whoever is signed in.

import * as api from './api.js';
import { announce, button, confirmed, form, h } from './dom.js';
import { go } from './main.js';
import { address } from './router.js';
import * as session from './session.js';

/** @returns {Promise<import('./main.js').View>} */
export async function profile() {
  const { body: me, etag } = await api.call('GET', '/me');
  let version = etag;
  /** What the form began with. @type {Record<string, any>} */
  const base = { ...me };
  const code = h('div');
  return {
    title: 'Your profile',
    content: h('div', { class: 'narrow' },
      h('p', { class: 'hint' }, `You are ${me.username}, ${me.role === 'author' || me.role === 'editor' || me.role === 'admin' ? 'an' : 'a'} ${me.role}.`),
      form({
        label: 'Profile', action: 'Save',
        fields: [
          { name: 'display_name', label: 'Name that is shown', value: me.display_name, required: true, autocomplete: 'name', maxlength: 80 },
          { name: 'username', label: 'Username', value: me.username, required: true, autocomplete: 'username', hint: 'The old one leads to the new one for 90 days.' },
          { name: 'bio', label: 'About you', type: 'textarea', value: me.bio ?? '', maxlength: 2000 },
          { name: 'website_url', label: 'Website', type: 'url', value: me.website_url ?? '', autocomplete: 'url' },
          { name: 'avatar_url', label: 'Address of a picture of you', type: 'url', value: me.avatar_url ?? '' },
        ],
        async submit(values) {
          const body = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === '' ? null : value]).filter(([name, value]) => value !== base[name]));
          const save = async () => {
            const answer = await api.call('PATCH', '/me', { body, etag: version });
            version = answer.etag;
            Object.assign(me, answer.body);
            Object.assign(base, body);
          };
          try {
            await save();
          } catch (error) {
            if (!(error instanceof api.Problem) || error.status !== 412) throw error;
            const { body: theirs, etag: newest } = await api.call('GET', '/me');
            version = newest;
            // What was changed elsewhere stays, and what was changed at both places is not replaced unseen.
            const both = Object.keys(body).filter((name) => theirs[name] !== base[name] && theirs[name] !== body[name]);
            for (const name of both) base[name] = theirs[name];
            if (both.length > 0) throw new Error(`This was changed elsewhere meanwhile: ${both.map((name) => `“${theirs[name] ?? ''}”`).join(', ')}. Save again to replace it.`);
            await save();
          }
          await session.readProfile();
          announce('Your profile is saved.');
        },
      }),
      h('h2', {}, 'E-mail address'),
      form({
        label: 'E-mail address', action: 'Send a code to this address',
        fields: [
          { name: 'email', label: 'E-mail address', type: 'email', value: me.email, required: true, autocomplete: 'email' },
          { name: 'password', label: 'Your password', type: 'password', required: true, autocomplete: 'current-password' },
        ],
        async submit(values) {
          await api.call('PUT', '/me/email', { body: values });
          code.replaceChildren(form({
            label: 'Confirm the new address', action: 'Confirm',
            fields: [{ name: 'code', label: 'Code that was sent to the new address', required: true, autocomplete: 'one-time-code' }],
            async submit({ code: typed }) {
              await api.call('POST', '/me/email/confirm', { body: { code: typed.trim() } });
              await api.logIn(values.email, values.password);
              code.replaceChildren();
              announce('Your address is changed.');
            },
          }));
          code.querySelector('input')?.focus();
        },
      }),
      code,
      h('h2', {}, 'Password'),
      form({
        label: 'Password', action: 'Change the password',
        fields: [
          { name: 'current_password', label: 'Your password', type: 'password', required: true, autocomplete: 'current-password' },
          { name: 'new_password', label: 'New password', type: 'password', required: true, autocomplete: 'new-password' },
        ],
        async submit(values) {
          await api.call('PUT', '/me/password', { body: values });
          // All other sessions have ended, and with them the cookie's.
          await api.logIn(me.username, values.new_password);
          announce('Your password is changed. Everywhere else you are logged out.');
        },
      }),
      h('h2', {}, 'Log out'),
      h('p', {}, 'Logging out ends your session on every device.'),
      button('Log out everywhere', async () => {
        if (!(await confirmed('Log out?', 'This ends your session on every device.', 'Log out'))) return;
        await session.logOut();
        await go(address('log-in'));
      })),
  };
}
