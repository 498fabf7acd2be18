// Differences of two sequences (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986). No DOM, no network.

/**
 * What was replaced: `a.slice(aStart, aEnd)` by `b.slice(bStart, bEnd)`. Either may be empty.
 * @typedef {{ aStart: number, aEnd: number, bStart: number, bEnd: number }} Hunk
 */

/** Texts that differ in more places than this are shown as replaced: the search takes the square of it. */
const MAX_EDITS = 2000;

/**
 * The hunks that make `b` of `a`, in order; no two of them touch.
 * @param {readonly string[]} a
 * @param {readonly string[]} b
 * @returns {Hunk[]}
 */
export function diff(a, b) {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [aEnd, bEnd] = [a.length, b.length];
  while (aEnd > start && bEnd > start && a[aEnd - 1] === b[bEnd - 1]) [aEnd, bEnd] = [aEnd - 1, bEnd - 1];
  if (start === aEnd && start === bEnd) return [];
  if (start === aEnd || start === bEnd) return [{ aStart: start, aEnd, bStart: start, bEnd }];
  const pairs = common(a.slice(start, aEnd), b.slice(start, bEnd));
  if (!pairs) return [{ aStart: start, aEnd, bStart: start, bEnd }];
  /** @type {Hunk[]} */
  const hunks = [];
  let [x, y] = [start, start];
  for (const [px, py] of [...pairs.map(([px, py]) => [px + start, py + start]), [aEnd, bEnd]]) {
    if (px > x || py > y) hunks.push({ aStart: x, aEnd: px, bStart: y, bEnd: py });
    [x, y] = [px + 1, py + 1];
  }
  return hunks;
}

/**
 * The pairs of positions that a longest common subsequence consists of; null if there are too many edits.
 * @param {readonly string[]} a
 * @param {readonly string[]} b
 * @returns {[number, number][] | null}
 */
function common(a, b) {
  const limit = Math.min(a.length + b.length, MAX_EDITS);
  /** How far each diagonal got, after each number of edits. @type {Int32Array[]} */
  const trace = [];
  let reached = new Int32Array(2 * limit + 3);
  for (let edits = 0; edits <= limit; edits++) {
    // Only diagonals within the number of edits can have changed.
    trace.push(reached.slice(limit + 1 - edits, limit + 2 + edits));
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && reached[limit + k] < reached[limit + k + 2]);
      let x = down ? reached[limit + k + 2] : reached[limit + k] + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) [x, y] = [x + 1, y + 1];
      reached[limit + k + 1] = x;
      if (x >= a.length && y >= b.length) return walkBack(trace, a.length, b.length);
    }
    reached = reached.slice();
  }
  return null;
}

/**
 * @param {Int32Array[]} trace
 * @param {number} x
 * @param {number} y
 * @returns {[number, number][]}
 */
function walkBack(trace, x, y) {
  /** @type {[number, number][]} */
  const pairs = [];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    // What is in here is of diagonals -edits to edits.
    const reached = /** @param {number} k */ (k) => trace[edits][k + edits] ?? 0;
    const k = x - y;
    const down = k === -edits || (k !== edits && reached(k - 1) < reached(k + 1));
    const before = edits === 0 ? 0 : down ? reached(k + 1) : reached(k - 1);
    const from = edits === 0 ? 0 : down ? before : before + 1;
    while (x > from && y > from - k) {
      [x, y] = [x - 1, y - 1];
      pairs.push([x, y]);
    }
    [x, y] = [before, before - (edits === 0 ? 0 : down ? k + 1 : k - 1)];
  }
  return pairs.reverse();
}

/**
 * The lines of a text, each with its line break, so that they make the text when they are joined.
 * @param {string} text
 * @returns {string[]}
 */
export function lines(text) {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * The words of a text and what is between them; joined, they make the text.
 * @param {string} text
 * @returns {string[]}
 */
export function words(text) {
  return text.match(/[\p{L}\p{N}\p{M}]+|\s+|[^\p{L}\p{N}\p{M}\s]/gu) ?? [];
}

/**
 * A part of two texts: in both, or only in the first, or only in the second.
 * @typedef {{ kind: 'same' | 'removed' | 'added', text: string }} Part
 */

/**
 * How `after` differs from `before`, in lines, and within changed lines in words.
 * @param {string} before
 * @param {string} after
 * @returns {Part[]}
 */
export function compare(before, after) {
  return parts(lines(before), lines(after), (removed, added) => parts(words(removed), words(added), null));
}

/**
 * @param {string[]} a
 * @param {string[]} b
 * @param {((removed: string, added: string) => Part[]) | null} within how to look into what was replaced
 * @returns {Part[]}
 */
function parts(a, b, within) {
  /** @type {Part[]} */
  const found = [];
  const push = (/** @type {Part['kind']} */ kind, /** @type {string} */ text) => {
    if (text) found.push({ kind, text });
  };
  let at = 0;
  for (const { aStart, aEnd, bStart, bEnd } of diff(a, b)) {
    push('same', a.slice(at, aStart).join(''));
    const [removed, added] = [a.slice(aStart, aEnd).join(''), b.slice(bStart, bEnd).join('')];
    if (within && removed && added) {
      found.push(...within(removed, added));
    } else {
      push('removed', removed);
      push('added', added);
    }
    at = aEnd;
  }
  push('same', a.slice(at).join(''));
  return found;
}
