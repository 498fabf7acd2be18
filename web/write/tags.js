// Tags: what is typed, and what completes it. No DOM, no network.

/** The maximum number of tags of a post. */
export const MAX_TAGS = 10;

/**
 * What is typed as tags look, to compare it with them. The blog knows other scripts and names as well, and decides.
 * @param {string} typed
 */
function fold(typed) {
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
 * The tags after one was added, as it was typed: the blog writes it as it writes tags. Null if it cannot be added.
 * @param {readonly string[]} tags
 * @param {string} typed
 * @returns {string[] | null}
 */
export function add(tags, typed) {
  return why(tags, typed) === '' && !has(tags, typed) && typed.trim() !== '' ? [...tags, typed.trim()] : null;
}

/** What stands between tags, also where other scripts are written. */
const COMMAS = /[,،、，]/;

/** @param {string} typed */
export function hasComma(typed) {
  return COMMAS.test(typed);
}

/**
 * The tags after those were added that have a comma behind them, typed or pasted. What is left is still being typed, or cannot be a tag, and
 * then `wrong` says why.
 * @param {readonly string[]} tags
 * @param {string} typed
 */
export function addAll(tags, typed) {
  const parts = typed.split(COMMAS);
  const rest = (parts.pop() ?? '').trimStart();
  const refused = [];
  let all = [...tags];
  for (const part of parts) {
    if (why(all, part)) refused.push(part.trim());
    else all = add(all, part) ?? all;
  }
  return { tags: all, left: [...refused, rest].filter(Boolean).join(', '), wrong: refused.length > 0 ? why(all, refused[0]) : '' };
}

/**
 * Why what is typed cannot be a tag; empty if it can, or is one already.
 * @param {readonly string[]} tags
 * @param {string} typed
 */
export function why(tags, typed) {
  if (typed.trim() === '' || has(tags, typed)) return '';
  if (!/[\p{L}\p{N}]/u.test(typed)) return 'A tag needs a letter or a digit.';
  return tags.length >= MAX_TAGS ? `A post has ${MAX_TAGS} tags at most.` : '';
}

/**
 * @param {readonly string[]} tags
 * @param {string} typed
 */
function has(tags, typed) {
  return tags.some((tag) => tag.toLowerCase() === typed.trim().toLowerCase());
}
