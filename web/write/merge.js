// The three-way merge: what two people made of the same text, put together. No DOM, no network.

import { diff, lines } from './diff.js';

/**
 * A piece of a merged text: settled, or in conflict.
 * @typedef {{ text: string } | { base: string, mine: string, theirs: string }} Piece
 */

/**
 * Merges two texts that were made of `base`. Changes of different lines are taken from both; where both changed the same lines,
 * or inserted at the same place, and not alike, the piece is a conflict.
 * @param {string} base
 * @param {string} mine
 * @param {string} theirs
 * @returns {Piece[]}
 */
export function mergeText(base, mine, theirs) {
  if (mine === theirs || theirs === base) return settled(mine);
  if (mine === base) return settled(theirs);
  const [o, a, b] = [lines(base), lines(mine), lines(theirs)];
  const [byMe, byThem] = [diff(o, a), diff(o, b)];
  /** @type {Piece[]} */
  const pieces = [];
  let [i, j, at] = [0, 0, 0];
  while (i < byMe.length || j < byThem.length) {
    // A region begins at the next hunk of either, and grows as long as a hunk of the other reaches into it.
    const [firstI, firstJ] = [i, j];
    const start = Math.min(byMe[i]?.aStart ?? Infinity, byThem[j]?.aStart ?? Infinity);
    let end = start;
    const reaches = (/** @type {import('./diff.js').Hunk | undefined} */ hunk) =>
      hunk !== undefined && (hunk.aStart < end || hunk.aStart === start);
    for (let grew = true; grew; ) {
      grew = false;
      if (reaches(byMe[i])) [end, i, grew] = [Math.max(end, byMe[i].aEnd), i + 1, true];
      if (reaches(byThem[j])) [end, j, grew] = [Math.max(end, byThem[j].aEnd), j + 1, true];
    }
    push(pieces, o.slice(at, start).join(''));
    const original = o.slice(start, end).join('');
    const my = side(o, a, byMe.slice(firstI, i), start, end);
    const their = side(o, b, byThem.slice(firstJ, j), start, end);
    if (my === their || their === original) push(pieces, my);
    else if (my === original) push(pieces, their);
    else pieces.push({ base: original, mine: my, theirs: their });
    at = end;
  }
  push(pieces, o.slice(at).join(''));
  return pieces;
}

/**
 * What one side made of the lines from `start` to `end`.
 * @param {string[]} base
 * @param {string[]} changed
 * @param {import('./diff.js').Hunk[]} hunks
 * @param {number} start
 * @param {number} end
 */
function side(base, changed, hunks, start, end) {
  let text = '';
  let at = start;
  for (const hunk of hunks) {
    text += base.slice(at, hunk.aStart).join('') + changed.slice(hunk.bStart, hunk.bEnd).join('');
    at = hunk.aEnd;
  }
  return text + base.slice(at, end).join('');
}

/**
 * @param {Piece[]} pieces
 * @param {string} text
 */
function push(pieces, text) {
  const last = pieces.at(-1);
  if (!text) return;
  if (last && 'text' in last) last.text += text;
  else pieces.push({ text });
}

/**
 * @param {string} text
 * @returns {Piece[]}
 */
function settled(text) {
  return text ? [{ text }] : [];
}

/**
 * Whether this piece is in conflict.
 * @param {Piece} piece
 * @returns {piece is { base: string, mine: string, theirs: string }}
 */
export function isConflict(piece) {
  return !('text' in piece);
}

/**
 * What an author can set of a post, as forms have it: what is not set is the empty text.
 * @typedef {{ title: string, body: string, tags: string[], summary: string, slug: string, language: string, cover_image_url: string,
 *   canonical_url: string, meta_title: string, meta_description: string, comments_open: boolean }} Fields
 */

/** The names of the fields. @type {(keyof Fields)[]} */
export const FIELDS = ['title', 'body', 'tags', 'summary', 'slug', 'language', 'cover_image_url', 'canonical_url', 'meta_title',
  'meta_description', 'comments_open'];

/**
 * What came of a merge: the merged fields, in which a conflict stands as mine, and what has to be decided.
 * @typedef {{ fields: Fields, conflicts: Conflict[] }} Merged
 */

/**
 * A field in conflict: the body as pieces, any other as a whole.
 * @typedef {{ field: keyof Fields, pieces: Piece[] }} Conflict
 */

/**
 * Merges two versions of a post that were made of `base`.
 * @param {Fields} base
 * @param {Fields} mine
 * @param {Fields} theirs
 * @returns {Merged}
 */
export function mergeFields(base, mine, theirs) {
  const fields = { ...mine };
  /** @type {Conflict[]} */
  const conflicts = [];
  for (const field of FIELDS) {
    const [o, a, b] = [base[field], mine[field], theirs[field]];
    if (same(a, b) || same(o, b)) continue;
    if (same(o, a)) {
      Object.assign(fields, { [field]: b });
    } else if (field === 'tags') {
      fields.tags = mergeTags(base.tags, mine.tags, theirs.tags);
    } else if (field === 'body') {
      const pieces = mergeText(base.body, mine.body, theirs.body);
      if (pieces.some(isConflict)) conflicts.push({ field, pieces });
      else fields.body = resolve(pieces, []);
    } else {
      conflicts.push({ field, pieces: [{ base: String(o), mine: String(a), theirs: String(b) }] });
    }
  }
  return { fields, conflicts };
}

/**
 * The text of the pieces, with these texts for the conflicts among them, in order.
 * @param {Piece[]} pieces
 * @param {string[]} choices
 */
export function resolve(pieces, choices) {
  let next = 0;
  return pieces.map((piece) => ('text' in piece ? piece.text : (choices[next++] ?? piece.mine))).join('');
}

/**
 * Tags have no lines: what either side added or removed is added or removed.
 * @param {string[]} base
 * @param {string[]} mine
 * @param {string[]} theirs
 */
function mergeTags(base, mine, theirs) {
  const kept = mine.filter((tag) => theirs.includes(tag) || !base.includes(tag));
  return [...kept, ...theirs.filter((tag) => !base.includes(tag) && !mine.includes(tag))];
}

/**
 * Whether two values of a field are the same.
 * @param {string | string[] | boolean} a
 * @param {string | string[] | boolean} b
 */
export function same(a, b) {
  return Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((tag, i) => tag === b[i]) : a === b;
}

/**
 * The fields of `mine` that differ from `base`, as the API takes them: what is empty is null.
 * @param {Fields} base
 * @param {Fields} mine
 * @returns {Record<string, unknown>}
 */
export function patch(base, mine) {
  const changed = FIELDS.filter((field) => !same(base[field], mine[field]));
  return Object.fromEntries(changed.map((field) => [field, mine[field] === '' ? null : mine[field]]));
}

/**
 * The fields of a post as the API shows it.
 * @param {Record<string, any>} post
 * @returns {Fields}
 */
export function fieldsOf(post) {
  const text = (/** @type {string} */ name) => post[name] ?? '';
  return {
    title: text('title'), body: text('body'), tags: post.tags ?? [], summary: text('summary'), slug: text('slug'), language: text('language'),
    cover_image_url: text('cover_image_url'), canonical_url: text('canonical_url'), meta_title: text('meta_title'),
    meta_description: text('meta_description'), comments_open: post.comments_open ?? true,
  };
}
