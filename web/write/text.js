// Texts: counting, inserting, ids, dates. No DOM, no network.

/** Words a minute, as the blog counts them. */
const READING_SPEED = 200;

/**
 * The number of words of a text in Markdown, nearly as the server counts them: addresses, descriptions of pictures and marks are no words.
 * @param {string} markdown
 */
export function countWords(markdown) {
  const prose = markdown
    .replace(/!\[[^\]]*\]\([^)]*\)/g, ' ')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<[^>\n]+>/g, ' ')
    .replace(/https?:\/\/\S+/g, ' ');
  if (typeof Intl.Segmenter !== 'function') return prose.match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
  let count = 0;
  for (const segment of new Intl.Segmenter(undefined, { granularity: 'word' }).segment(prose)) if (segment.isWordLike) count++;
  return count;
}

/**
 * `1,234 words, 7 minutes`.
 * @param {number} words
 */
export function wordCount(words) {
  const minutes = Math.max(1, Math.ceil(words / READING_SPEED));
  return `${words.toLocaleString('en')} ${words === 1 ? 'word' : 'words'}, ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} to read`;
}

/**
 * A picture in Markdown. What means something there is escaped.
 * @param {string} alt
 * @param {string} address
 */
export function picture(alt, address) {
  const text = alt.replace(/\s+/g, ' ').trim().replace(/[\\[\]<>&*_`~]/g, '\\$&');
  return `![${text}](${address.replace(/[()\s]/g, encodeURIComponent)})`;
}

/**
 * What to insert at a position of a text so that `markdown` is a block there, with an empty line before and after it.
 * @param {string} text
 * @param {number} at
 * @param {string} markdown
 */
export function block(text, at, markdown) {
  const [before, after] = [text.slice(0, at), text.slice(at)];
  const breaks = (/** @type {number} */ there) => '\n'.repeat(Math.max(0, 2 - there));
  const ending = before === '' ? 2 : (/\n*$/.exec(before)?.[0].length ?? 0);
  const beginning = after === '' ? 1 : (/^\n*/.exec(after)?.[0].length ?? 0);
  return breaks(ending) + markdown + breaks(beginning);
}

/**
 * Where a position of `before` is in `after`: what is in front of it stays in front of it.
 * @param {string} before
 * @param {string} after
 * @param {number} position
 */
export function follow(before, after, position) {
  let start = 0;
  while (start < position && before[start] === after[start]) start++;
  if (start === position) return position;
  const rest = before.length - position;
  let end = 0;
  while (end < rest && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  return end === rest ? after.length - rest : Math.min(start, after.length);
}

/** An id that nothing else has. `crypto.randomUUID` is missing where a page came by plain HTTP from another machine, as to a phone. */
export function uniqueId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * A time as people here write it.
 * @param {string | null | undefined} time
 */
export function when(time) {
  return time ? new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }) : '';
}

/**
 * A time for `<input type="datetime-local">`, in the time zone of this machine.
 * @param {Date} time
 */
export function localTime(time) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}T${two(time.getHours())}:${two(time.getMinutes())}`;
}
