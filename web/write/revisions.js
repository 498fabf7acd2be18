// The versions of a post: what changed, and going back.

import { call, path, readPost } from './api.js';
import { announce, button, confirmed, h } from './dom.js';
import { list } from './list.js';
import { go } from './main.js';
import { FIELDS, fieldsOf, same } from './merge.js';
import { NAMES, textDiff } from './merging.js';
import { address } from './router.js';
import { when } from './text.js';

/**
 * @param {import('./main.js').Context} context
 * @returns {Promise<import('./main.js').View>}
 */
export async function revisions({ params: { slug } }) {
  const { post } = await readPost(slug);
  const place = h('section', { 'aria-label': 'Difference', 'aria-live': 'polite' });
  const show = async (/** @type {number} */ version) => {
    const { body: revision } = await call('GET', path`/posts/${post.slug}/revisions/${String(version)}`);
    const [then, now] = [fieldsOf({ ...revision, slug: post.slug }), fieldsOf(post)];
    const differing = FIELDS.filter((field) => !same(then[field], now[field]));
    place.replaceChildren(
      h('h2', { tabindex: -1 }, `From version ${version} to now`),
      differing.length === 0 ? h('p', {}, 'Nothing differs.') : h('div', {}, differing.map((field) => h('div', {}, h('h3', {}, NAMES[field]), textDiff(String(then[field]), String(now[field]))))),
      version === post.version ? '' : button(`Restore version ${version}`, async () => {
        if (!(await confirmed(`Restore version ${version}?`, 'It becomes a new version. None is deleted.', 'Restore'))) return;
        const { body } = await call('POST', path`/posts/${post.slug}/revisions/${String(version)}/restore`);
        announce(`Version ${version} is restored.`);
        await go(address('edit', { slug: body.slug }));
      }, { class: 'primary' }));
    place.querySelector('h2')?.focus();
  };
  return {
    title: `Versions of ${post.title ?? 'this post'}`,
    content: h('div', {},
      h('p', {}, h('a', { href: address('edit', { slug: post.slug }) }, 'Back to the post')),
      place,
      h('h2', {}, 'All versions'),
      list(path`/posts/${post.slug}/revisions`, (revision) => h('article', {},
        h('h3', {}, `Version ${revision.version}${revision.version === post.version ? ', the present one' : ''}`),
        h('p', { class: 'hint' }, `${when(revision.created_at)} · ${revision.title ?? 'without a title'}`),
        button(`Compare version ${revision.version} with now`, () => show(revision.version))), 'There are none.')),
  };
}
