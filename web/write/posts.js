// The posts of whoever is signed in, by their status, and what is on this device only.

import { call, path } from './api.js';
import { Copies, thisDevice } from './copies.js';
import { announce, button, confirmed, h } from './dom.js';
import { list } from './list.js';
import { go } from './main.js';
import { address, ROOT } from './router.js';
import * as session from './session.js';
import { when } from './text.js';

/** @type {[string, string][]} */
const STATUSES = [['draft', 'Drafts'], ['scheduled', 'Scheduled'], ['published', 'Published'], ['trashed', 'Trash']];

/**
 * @param {import('./main.js').Context} context
 * @returns {Promise<import('./main.js').View>}
 */
export async function posts({ query }) {
  const status = STATUSES.some(([known]) => known === query.get('status')) ? /** @type {string} */ (query.get('status')) : 'draft';
  const copies = new Copies(thisDevice(), session.user()?.id ?? '');
  const living = await session.livingTabs();
  living.delete(session.TAB);
  const unsaved = copies.left(living);
  const only = unsaved.filter(({ slug }) => slug === '');
  const isUnsaved = new Set(unsaved.map(({ id }) => id));
  return {
    title: 'Your posts',
    content: h('div', {},
      session.may('author') ? h('p', {}, h('a', { href: address('new'), class: 'button primary' }, 'Write a new post')) : h('p', {}, 'You may read and comment. Ask an administrator to become an author.'),
      h('nav', { 'aria-label': 'Posts by status', class: 'tabs' }, h('ul', {}, STATUSES.map(([value, text]) => {
        const to = value === 'draft' ? ROOT : `${ROOT}?status=${value}`;
        return h('li', {}, h('a', { href: to, 'aria-current': value === status ? 'page' : null }, text));
      }))),
      status === 'draft' && only.length > 0 && h('section', { 'aria-labelledby': 'only-here' },
        h('h2', { id: 'only-here' }, 'On this device only'),
        h('ul', { class: 'items' }, only.map((copy) => h('li', {}, h('article', {},
          h('h3', {}, h('a', { href: address('new', {}, { copy: copy.id }) }, copy.mine.title || 'Without a title')),
          h('p', { class: 'hint' }, `Typed ${when(new Date(copy.at).toISOString())}, not on the server yet.`),
          button('Discard', async () => {
            if (!(await confirmed('Discard this text?', 'It is on this device only and cannot be brought back.', 'Discard'))) return;
            copies.forget(copy);
            await go(ROOT, { replace: true });
          })))))),
      h('h2', { class: 'hidden' }, STATUSES.find(([value]) => value === status)?.[1] ?? ''),
      list(`/me/posts?status=${status}`, (post) => card(post, isUnsaved.has(post.id)), 'There are none.')),
  };
}

/**
 * @param {Record<string, any>} post
 * @param {boolean} unsaved
 */
function card(post, unsaved) {
  const title = post.title ?? post.summary ?? 'Without a title';
  const times = {
    draft: `Changed ${when(post.updated_at)}`, scheduled: `To be published ${when(post.published_at)}`,
    published: `Published ${when(post.published_at)}`, trashed: `Changed ${when(post.updated_at)}`,
  };
  const time = times[/** @type {keyof typeof times} */ (post.status)] ?? '';
  return h('article', {},
    h('h3', { dir: 'auto' }, post.status === 'trashed' ? title : h('a', { href: address('edit', { slug: post.slug }) }, title)),
    h('p', { class: 'hint' }, time, unsaved ? ' · Changes on this device are not saved yet.' : '', post.tags?.length ? ` · ${post.tags.join(', ')}` : ''),
    post.status === 'published' && h('p', {}, h('a', { href: address('read', { slug: post.slug }) }, 'Read', h('span', { class: 'hidden' }, ` ${title}`))),
    post.status === 'trashed' && button('Restore', async () => {
      const { body } = await call('POST', path`/posts/${post.slug}/restore`);
      announce('The post is a draft again.');
      await go(address('edit', { slug: body.slug }));
    }));
}
