// For editors: comments that wait or were reported. For administrators: users and invitations.

import { call, path } from './api.js';
import { announce, ask, button, form, h, rendered } from './dom.js';
import { list } from './list.js';
import { address } from './router.js';
import * as session from './session.js';
import { uniqueId, when } from './text.js';

const ROLES = ['reader', 'author', 'editor', 'admin'];

/**
 * Tabs that are addresses.
 * @param {string} label
 * @param {string} view
 * @param {string} name
 * @param {[string, string][]} values
 * @param {string} chosen
 */
function tabs(label, view, name, values, chosen) {
  return h('nav', { 'aria-label': label, class: 'tabs' }, h('ul', {}, values.map(([value, text]) =>
    h('li', {}, h('a', { href: address(view, {}, value ? { [name]: value } : {}), 'aria-current': value === chosen ? 'page' : null }, text)))));
}

/**
 * @param {import('./main.js').Context} context
 * @returns {import('./main.js').View}
 */
export function moderation({ query }) {
  const status = query.get('status') === 'reported' ? 'reported' : 'held';
  return {
    title: 'Moderation',
    content: h('div', {},
      tabs('Comments', 'moderation', 'status', [['held', 'Waiting'], ['reported', 'Reported']], status),
      list(`/moderation/comments?status=${status}`, (comment) => {
        const name = comment.author?.display_name ?? 'Somebody who left';
        const item = h('article', { 'aria-label': `Comment by ${name}` });
        const decide = async (/** @type {string} */ decision, /** @type {string} */ done) => {
          await call('PUT', path`/moderation/comments/${comment.id}`, { body: { decision } });
          announce(done);
          item.replaceChildren(h('p', { class: 'hint', tabindex: -1 }, done));
          item.querySelector('p')?.focus();
        };
        item.append(
          h('p', { class: 'hint' }, `${name} · ${when(comment.created_at)}${comment.reports ? ` · reported ${comment.reports} times: ${comment.reason ?? ''}` : ''}`),
          rendered(comment.html),
          h('div', { class: 'actions' },
            button('Approve', () => decide('approve', 'Approved: everybody may see it.'), { 'aria-label': `Approve the comment by ${name}` }),
            button('Reject', () => decide('reject', 'Rejected: it is deleted.'), { 'aria-label': `Reject the comment by ${name}` }),
            h('a', { href: address('read', { slug: comment.post }) }, 'The post')));
        return item;
      }, 'There is nothing to decide.')),
  };
}

/**
 * @param {import('./main.js').Context} context
 * @returns {import('./main.js').View}
 */
export function users({ query }) {
  const status = query.get('status') ?? '';
  const invitations = list('/admin/invitations', invitation, 'There are no invitations.');
  const made = h('div', { role: 'status' });
  return {
    title: 'Users',
    content: h('div', {},
      tabs('Users', 'users', 'status', [['', 'All'], ['suspended', 'Suspended']], status),
      list(`/admin/users${status === 'suspended' ? '?status=suspended' : ''}`, user, 'There are none.'),
      h('h2', {}, 'Invitations'),
      form({
        label: 'Invite somebody', action: 'Invite',
        fields: [
          { name: 'email', label: 'Only for this e-mail address', type: 'email' },
          { name: 'role', label: 'Role', type: 'select', options: ROLES, value: 'author', required: true },
        ],
        async submit({ email, role }) {
          const { body } = await call('POST', '/admin/invitations', { body: { role, ...(email ? { email } : {}) }, key: uniqueId() });
          made.replaceChildren(h('p', {}, 'Hand this address on. It is shown this once: ', h('code', {}, new URL(address('register', {}, { invitation: body.code }), location.origin).href)));
          await invitations.load();
        },
      }), made, invitations),
  };
}

/** @param {Record<string, any>} profile */
function user(profile) {
  const mine = profile.username === session.user()?.username;
  const role = h('select', { 'aria-label': `Role of ${profile.username}` }, ROLES.map((known) => h('option', { value: known, selected: known === profile.role }, known)));
  const item = h('article', { 'aria-label': profile.username });
  const suspended = () => profile.status === 'suspended';
  const show = () => item.replaceChildren(
    h('h2', {}, profile.display_name),
    h('p', { class: 'hint' }, `${profile.username} · ${profile.email} · ${profile.role}, ${profile.status} · since ${when(profile.created_at)}`),
    mine ? '' : h('div', { class: 'actions' }, role,
      button('Set the role', async () => {
        Object.assign(profile, (await call('PUT', path`/admin/users/${profile.username}/role`, { body: { role: role.value } })).body);
        show();
        announce(`${profile.username} is ${profile.role} now.`);
      }, { 'aria-label': `Set the role of ${profile.username}` }),
      suspended()
        ? button('Reinstate', async () => {
            await call('DELETE', path`/admin/users/${profile.username}/suspension`);
            profile.status = 'active';
            show();
            announce(`${profile.username} may come back.`);
          }, { 'aria-label': `Reinstate ${profile.username}` })
        : button('Suspend …', () => ask(`Suspend ${profile.username}?`, (answer) => [form({
            label: 'Suspend', action: 'Suspend',
            fields: [{ name: 'reason', label: 'Reason', type: 'textarea', required: true, maxlength: 500 }],
            async submit({ reason }) {
              await call('PUT', path`/admin/users/${profile.username}/suspension`, { body: { reason } });
              profile.status = 'suspended';
              answer(true);
              show();
              announce(`${profile.username} is suspended.`);
            },
            more: [h('button', { type: 'button', onclick: () => answer(null) }, 'Cancel')],
          })]), { 'aria-label': `Suspend ${profile.username}` })));
  show();
  return item;
}

/** @param {Record<string, any>} item */
function invitation({ id, email, role, used_by: usedBy, expires_at: until }) {
  const element = h('article', {},
    h('p', {}, `${role}${email ? `, for ${email}` : ''}${usedBy ? ', used' : until ? `, until ${when(until)}` : ''}`),
    !usedBy && button('Withdraw', async () => {
      await call('DELETE', path`/admin/invitations/${id}`);
      element.replaceChildren(h('p', { class: 'hint' }, 'Withdrawn.'));
      announce('The invitation is withdrawn.');
    }, { 'aria-label': `Withdraw the invitation${email ? ` for ${email}` : ''} as ${role}` }));
  return element;
}
