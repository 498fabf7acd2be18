// What happened that is about whoever is signed in.

import { call } from './api.js';
import { announce, button, h } from './dom.js';
import { list } from './list.js';
import { address } from './router.js';
import { when } from './text.js';

/** @type {Record<string, string>} */
const TEXTS = {
  comment: 'commented on', comment_reply: 'answered your comment on', reply: 'answered with a post:', quote: 'quoted', repost: 'reposted',
  reaction: 'reacted to', follow: 'follows you', comment_approved: 'approved your comment on', comment_rejected: 'rejected your comment on',
};

/** @returns {import('./main.js').View} */
export function notifications() {
  const unread = h('p', { role: 'status' });
  let newest = '';
  const all = list('/me/notifications', (notification) => {
    newest ||= notification.id;
    return show(notification);
  }, 'Nothing has happened yet.');
  all.told = (page) => {
    unread.textContent = page.unread === 0 ? 'You have read all of them.' : `${page.unread} unread.`;
  };
  return {
    title: 'Notifications',
    content: h('div', {}, unread,
      button('Mark all as read', async () => {
        if (!newest) return;
        await call('POST', '/me/notifications/read', { body: { up_to: newest } });
        newest = '';
        await all.load();
        announce('All are read.');
      }), all),
  };
}

/** @param {Record<string, any>} notification */
function show({ kind, actors, people, post, by_post: byPost, at, read }) {
  const names = actors.map((/** @type {any} */ actor) => actor?.display_name ?? 'Somebody');
  const others = people - names.length;
  const who = [...names, ...(others > 0 ? [`${others} more`] : [])].join(', ') || 'An editor';
  const about = byPost ?? post;
  return h('article', {}, h('p', {},
    !read && h('strong', {}, 'New: '), `${who} ${TEXTS[kind] ?? kind} `,
    about && h('a', { href: address('read', { slug: about.slug }) }, about.title ?? about.summary ?? 'a post')),
    h('p', { class: 'hint' }, when(at)));
}
