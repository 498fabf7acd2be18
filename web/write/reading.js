// Reading as somebody: the home feed, the reading list, and a post with its comments and reactions.

import { call, path, Problem } from './api.js';
import { thisDevice, Unsent } from './copies.js';
import { announce, button, confirmed, form, h, message, rendered } from './dom.js';
import { list } from './list.js';
import { address } from './router.js';
import * as session from './session.js';
import { uniqueId, when } from './text.js';

/** @typedef {import('./main.js').View} View */

/** @type {[string, string][]} */
const REACTIONS = [['like', '👍 Like'], ['love', '❤️ Love'], ['insightful', '💡 Insightful'], ['celebrate', '🎉 Celebrate']];

/** The depth of comments that nobody can answer. A comment on the post itself has depth 1. */
const MAX_DEPTH = 5;

/** @param {Record<string, any> | null} other */
const name = (other) => other?.title ?? other?.summary ?? 'A post without a title';

/** @param {Record<string, any>} post */
export function card(post) {
  const isRepost = post.kind === 'repost';
  // A repost has nothing of its own but who made it.
  const shown = isRepost && !post.quote_of.gone ? post.quote_of : post;
  return h('article', {},
    isRepost && h('p', { class: 'hint' }, `Reposted by ${post.author?.display_name ?? 'somebody'}`),
    h('h2', {}, h('a', { href: address('read', { slug: shown.slug }), dir: 'auto' }, name(shown))),
    h('p', { class: 'hint' }, `${shown.author?.display_name ?? 'Somebody'} · ${when(shown.published_at)}`),
    shown.title && shown.summary && h('p', { dir: 'auto' }, shown.summary),
    !isRepost && about(post));
}

/**
 * The posts that a post answers and quotes.
 * @param {Record<string, any>} post
 */
function about({ reply_to: answered, quote_of: quoted }) {
  const line = (/** @type {string} */ words, /** @type {Record<string, any> | null} */ other) =>
    other && h('p', { class: 'hint' }, `${words} `, other.gone ? 'a post that is gone' : h('a', { href: address('read', { slug: other.slug }), dir: 'auto' }, name(other)));
  return [line('In reply to', answered), line('Quotes', quoted)];
}

/** @returns {View} */
export function feed() {
  return { title: 'Your feed', content: list('/me/feed', card, 'Nothing yet. Follow people and tags to read them here.') };
}

/** @returns {View} */
export function bookmarks() {
  return {
    title: 'Your reading list',
    content: list('/me/bookmarks', (post) => {
      const shown = card(post);
      shown.append(button('Remove', async () => {
        await call('DELETE', path`/me/bookmarks/${post.slug}`);
        announce('Removed from your reading list.');
        (shown.closest('li') ?? shown).replaceChildren(h('p', { class: 'hint', tabindex: -1 }, 'Removed.'));
      }, { 'aria-label': `Remove ${post.title ?? 'this post'} from your reading list` }));
      return shown;
    }, 'You have no bookmarks.'),
  };
}

/**
 * @param {import('./main.js').Context} context
 * @returns {Promise<View>}
 */
export async function read({ params: { slug } }) {
  const { body: post } = await call('GET', path`/posts/${slug}`);
  const mine = post.author?.username === session.user()?.username;
  const [author, followed] = await Promise.all([
    mine || !post.author ? null : call('GET', path`/users/${post.author.username}`).then(({ body }) => body, () => null),
    post.tags.length > 0 ? call('GET', '/me/tags?limit=100').then(({ body }) => body.items.map((/** @type {any} */ { tag }) => tag), () => []) : [],
  ]);
  return {
    title: post.title ?? 'A post',
    content: h('div', {},
      h('p', { class: 'hint' }, `${post.author?.display_name ?? 'Somebody'} · ${when(post.published_at)} · ${post.reading_time_minutes} min`),
      about(post),
      h('article', { 'aria-label': 'The post' }, rendered(post.html)),
      post.tags.length > 0 && h('ul', { class: 'tags', 'aria-label': 'Tags' }, post.tags.map((/** @type {string} */ tag) => h('li', {},
        h('a', { href: `/tags/${tag}` }, tag), toggle(followed.includes(tag), 'Follow', 'Unfollow', path`/tags/${tag}/follow`, ` the tag ${tag}`)))),
      post.status === 'published' && actions(post, author),
      post.status === 'published' && comments(post)),
  };
}

/**
 * @param {Record<string, any>} post
 * @param {Record<string, any> | null} author unless it is who reads
 */
function actions(post, author) {
  const counts = h('p', { class: 'hint' });
  const count = async () => {
    const { body } = await call('GET', path`/posts/${post.slug}/reactions`);
    counts.textContent = body.total === 0 ? 'No reactions yet.' : REACTIONS.map(([kind, text]) => `${text}: ${body.counts[kind]}`).join(' · ');
  };
  /** @type {string | null} */
  let reaction = post.viewer?.reaction ?? null;
  const buttons = REACTIONS.map(([kind, text]) => {
    const element = button(text, async () => {
      if (reaction === kind) await call('DELETE', path`/posts/${post.slug}/reaction`);
      else await call('PUT', path`/posts/${post.slug}/reaction`, { body: { kind } });
      reaction = reaction === kind ? null : kind;
      mark();
      await count();
    });
    return { kind, element };
  });
  const mark = () => buttons.forEach(({ kind, element }) => element.setAttribute('aria-pressed', String(kind === reaction)));
  mark();
  count().catch((error) => void (counts.textContent = message(error)));
  return h('section', { 'aria-label': 'Reactions' },
    h('div', { class: 'actions' }, buttons.map(({ element }) => element)), counts,
    h('div', { class: 'actions' },
      toggle(post.viewer?.bookmarked === true, 'Add to your reading list', 'Remove from your reading list', path`/me/bookmarks/${post.slug}`),
      toggle(post.viewer?.reposted === true, 'Repost', 'Undo the repost', path`/posts/${post.slug}/repost`),
      author && toggle(author.following === true, `Follow ${author.display_name}`, `Unfollow ${author.display_name}`, path`/users/${author.username}/follow`),
      session.may('editor') && toggle(false, 'Pin', 'Unpin', path`/posts/${post.slug}/pin`),
      (post.author?.username === session.user()?.username || session.may('editor')) && h('a', { href: address('edit', { slug: post.slug }) }, 'Edit')));
}

/**
 * A button that does and undoes.
 * @param {boolean} on
 * @param {string} text
 * @param {string} undo
 * @param {string} at
 * @param {string} [of] what is said besides to who does not see what it stands beside
 */
function toggle(on, text, undo, at, of = '') {
  const element = button('', async () => {
    await call(on ? 'DELETE' : 'PUT', at);
    on = !on;
    show();
    announce(on ? 'Done.' : 'Undone.');
  });
  const show = () => element.replaceChildren(on ? undo : text, of && h('span', { class: 'hidden' }, of));
  show();
  return element;
}

/** @param {Record<string, any>} post */
function comments(post) {
  /** @type {import('./list.js').PagedList} */
  const thread = list(path`/posts/${post.slug}/comments`, (comment) => shown(post, comment, () => thread.load()), 'Nobody has commented yet.');
  return h('section', { 'aria-labelledby': 'comments' },
    h('h2', { id: 'comments' }, 'Comments'), thread,
    post.comments_open ? write(post, null, () => thread.load()) : h('p', { class: 'hint' }, 'This post takes no more comments.'));
}

/**
 * @param {Record<string, any>} post
 * @param {string | null} parent
 * @param {() => Promise<void>} done
 */
function write(post, parent, done) {
  const unsent = unsentOf(post, parent);
  const made = form({
    label: parent ? 'Your answer' : 'Your comment', action: parent ? 'Answer' : 'Comment',
    fields: [{ name: 'body', label: parent ? 'Your answer' : 'Your comment', type: 'textarea', value: unsent.text, required: true, hint: 'In Markdown.', maxlength: 10_000 }],
    async submit({ body }) {
      const { body: comment } = await call('POST', path`/posts/${post.slug}/comments`, { body: { body, ...(parent ? { parent_id: parent } : {}) }, key: uniqueId() });
      unsent.text = '';
      made.reset();
      announce(comment.status === 'held' ? 'Your comment waits for an editor.' : 'Your comment is there.');
      await done();
    },
  });
  made.addEventListener('input', ({ target }) => {
    if (target instanceof HTMLTextAreaElement) unsent.text = target.value;
  });
  return made;
}

/**
 * What was typed here before as a comment, or as an answer to one.
 * @param {Record<string, any>} post
 * @param {string | null} parent
 */
function unsentOf(post, parent) {
  return new Unsent(thisDevice(), session.user()?.id ?? '', post.id, parent);
}

/**
 * @param {Record<string, any>} post
 * @param {Record<string, any>} comment
 * @param {() => Promise<void>} done
 */
function shown(post, comment, done) {
  const mine = comment.author?.username === session.user()?.username;
  const gone = comment.status === 'deleted';
  const name = comment.author?.display_name ?? 'Somebody who left';
  const place = h('div');
  const at = path`/posts/${post.slug}/comments/${comment.id}`;
  const mayAnswer = !gone && post.comments_open && comment.depth < MAX_DEPTH;
  if (mayAnswer && unsentOf(post, comment.id).text !== '') place.replaceChildren(write(post, comment.id, done));
  const edit = async () => {
    const { body: now, etag } = await call('GET', at);
    place.replaceChildren(form({
      label: 'Edit the comment', action: 'Save',
      fields: [{ name: 'body', label: 'Comment', type: 'textarea', value: now.body, required: true, maxlength: 10_000 }],
      async submit({ body }) {
        try {
          await call('PATCH', at, { body: { body }, etag });
        } catch (error) {
          // What was typed stays in the form.
          if (error instanceof Problem && error.status === 412) throw new Error('This comment was changed elsewhere meanwhile. Copy your text, and edit it again.');
          throw error;
        }
        announce('Saved.');
        await done();
      },
    }));
    place.querySelector('textarea')?.focus();
  };
  return h('article', { class: 'comment', 'data-depth': comment.depth, 'aria-label': `Comment by ${name}` },
    h('p', { class: 'hint' }, gone ? '' : `${name} · ${when(comment.created_at)}${comment.status === 'held' ? ' · waits for an editor' : ''}`),
    gone ? h('p', { class: 'hint' }, 'This comment was deleted.') : rendered(comment.html),
    !gone && h('div', { class: 'actions' },
      mayAnswer && button('Answer', () => {
        place.replaceChildren(write(post, comment.id, done));
        place.querySelector('textarea')?.focus();
      }, { 'aria-label': `Answer ${name}` }),
      mine && button('Edit', edit, { 'aria-label': 'Edit your comment' }),
      (mine || session.may('editor')) && button('Delete', async () => {
        if (!(await confirmed('Delete this comment?', 'It cannot be brought back.', 'Delete'))) return;
        await call('DELETE', at);
        announce('The comment is deleted.');
        await done();
      }, { 'aria-label': `Delete the comment by ${name}` }),
      !mine && button('Report', () => {
        place.replaceChildren(form({
          label: 'Report the comment', action: 'Report',
          fields: [{ name: 'reason', label: 'What is wrong with it?', type: 'textarea', required: true, maxlength: 500 }],
          async submit({ reason }) {
            await call('POST', `${at}/report`, { body: { reason } });
            place.replaceChildren(h('p', { class: 'hint' }, 'An editor will look at it.'));
          },
        }));
        place.querySelector('textarea')?.focus();
      }, { 'aria-label': `Report the comment by ${name}` })),
    place);
}
