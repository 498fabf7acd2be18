// Tags: what is typed, and what completes it. No DOM, no network.

/** The maximum number of tags of a post. */
export const MAX_TAGS = 10;

/**
 * A tag as the blog keeps it: `a-z 0-9 -`. Empty if nothing is left.
 * @param {string} typed
 */
export function fold(typed) {
  const letters = typed.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/ß/g, 'ss');
  return letters.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40).replace(/-+$/, '');
}

/**
 * The tags of the blog that may be meant, the most used first: those that begin as typed, then those that have a word that does.
 * @param {string} typed
 * @param {{ tag: string, posts: number }[]} known
 * @param {readonly string[]} chosen tags that the post has already
 * @returns {string[]}
 */
export function complete(typed, known, chosen, max = 8) {
  const start = fold(typed);
  if (!start) return [];
  const rank = (/** @type {string} */ tag) => (tag.startsWith(start) ? 0 : tag.includes(`-${start}`) ? 1 : 2);
  return known
    .filter(({ tag }) => rank(tag) < 2 && !chosen.includes(tag))
    .sort((a, b) => rank(a.tag) - rank(b.tag) || b.posts - a.posts || (a.tag < b.tag ? -1 : 1))
    .slice(0, max)
    .map(({ tag }) => tag);
}

/**
 * The tags after one was added, or null if it cannot be.
 * @param {readonly string[]} tags
 * @param {string} typed
 * @returns {string[] | null}
 */
export function add(tags, typed) {
  const tag = fold(typed);
  return !tag || tags.includes(tag) || tags.length >= MAX_TAGS ? null : [...tags, tag];
}
