// What the editor decides without a page: node --test contract/editor
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, diff, lines, words } from '../../web/write/diff.js';
import { fieldsOf, isConflict, mergeFields, mergeText, patch, resolve } from '../../web/write/merge.js';
import { address, match, ROUTES } from '../../web/write/router.js';
import { add, addAll, complete, MAX_TAGS } from '../../web/write/tags.js';
import { block, countWords, follow, picture } from '../../web/write/text.js';

/** The same numbers each time (mulberry32). */
function random(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const someLines = (pick, max) => Array.from({ length: pick(max + 1) }, () => 'abcde'[pick(5)]);

/** Some lines of a text replaced, removed, inserted. */
function edited(pick, from, mark) {
  const text = [...from];
  for (let edits = pick(4); edits > 0; edits--) {
    const at = pick(text.length + 1);
    text.splice(at, pick(3), ...Array.from({ length: pick(3) }, () => `${mark}${pick(3)}`));
  }
  return text;
}

const text = (all) => all.map((line) => `${line}\n`).join('');

/** The length of the longest common subsequence, by the book. */
function longest(a, b) {
  const row = new Array(b.length + 1).fill(0);
  for (const x of a) {
    let before = 0;
    for (let j = 1; j <= b.length; j++) [before, row[j]] = [row[j], x === b[j - 1] ? before + 1 : Math.max(row[j], row[j - 1])];
  }
  return row[b.length];
}

test('a difference makes one of the other, and is the shortest', () => {
  const pick = random(1);
  for (let round = 0; round < 3000; round++) {
    const [a, b] = [someLines(pick, 12), someLines(pick, 12)];
    const hunks = diff(a, b);
    let [made, at, kept] = [[], 0, 0];
    for (const { aStart, aEnd, bStart, bEnd } of hunks) {
      assert.ok(aStart >= at && (aStart > at || at === 0), 'hunks are in order and do not touch');
      made.push(...a.slice(at, aStart), ...b.slice(bStart, bEnd));
      kept += aStart - at;
      at = aEnd;
    }
    kept += a.length - at;
    made.push(...a.slice(at));
    assert.deepEqual(made, b, `${a} / ${b}`);
    assert.equal(kept, longest(a, b), `${a} / ${b}`);
  }
});

test('a difference of long texts ends soon', () => {
  const pick = random(2);
  const [a, b] = [0, 1].map(() => Array.from({ length: 20_000 }, () => String(pick(1e9))));
  const began = performance.now();
  assert.equal(diff(a, b).length, 1);
  assert.ok(performance.now() - began < 2000);
});

test('lines and words make the text again, and so does what is shown of a difference', () => {
  const pick = random(3);
  for (const sample of ['', '\n', 'a', 'a\n\nb', 'añ  o\t😀 — 日本語, x_y\n', '\r\n']) {
    assert.equal(lines(sample).join(''), sample);
    assert.equal(words(sample).join(''), sample);
  }
  for (let round = 0; round < 500; round++) {
    const a = someLines(pick, 8);
    const [before, after] = [text(a), text(edited(pick, a, 'new word '))];
    const parts = compare(before, after);
    assert.equal(parts.filter(({ kind }) => kind !== 'added').map((part) => part.text).join(''), before);
    assert.equal(parts.filter(({ kind }) => kind !== 'removed').map((part) => part.text).join(''), after);
  }
});

test('a merge loses nothing that only one side changed', () => {
  const pick = random(4);
  let [settled, clashed] = [0, 0];
  for (let round = 0; round < 5000; round++) {
    const base = someLines(pick, 10);
    const [mine, theirs] = [text(edited(pick, base, 'm')), text(edited(pick, base, 't'))];
    const o = text(base);
    const pieces = mergeText(o, mine, theirs);
    // Whoever takes one side everywhere has that side's changes all.
    const conflicts = pieces.filter(isConflict);
    const [allMine, allTheirs] = ['mine', 'theirs'].map((side) => resolve(pieces, conflicts.map((piece) => piece[side])));
    for (const line of lines(mine).filter((line) => line.startsWith('m'))) assert.ok(allMine.includes(line), JSON.stringify({ o, mine, theirs }));
    for (const line of lines(theirs).filter((line) => line.startsWith('t'))) assert.ok(allTheirs.includes(line), JSON.stringify({ o, mine, theirs }));
    // The other way round it is the same, with the sides exchanged.
    const back = mergeText(o, theirs, mine);
    assert.deepEqual(back.map((piece) => ('text' in piece ? piece : { base: piece.base, mine: piece.theirs, theirs: piece.mine })), pieces);
    if (conflicts.length === 0) settled++;
    else clashed++;
    for (const { base: was, mine: my, theirs: their } of conflicts) assert.ok(my !== their && my !== was && their !== was);
  }
  assert.ok(settled > 500 && clashed > 500, `${settled} ${clashed}`);
});

test('a merge with nobody is what was there', () => {
  const pick = random(5);
  for (let round = 0; round < 500; round++) {
    const base = someLines(pick, 10);
    const [o, mine] = [text(base), text(edited(pick, base, 'm'))];
    for (const pieces of [mergeText(o, mine, o), mergeText(o, o, mine), mergeText(o, mine, mine)]) {
      assert.equal(pieces.some(isConflict), false);
      assert.equal(resolve(pieces, []), mine);
    }
  }
});

test('changes of neighbouring lines are both taken, and of one line are a conflict', () => {
  const merged = (o, a, b) => mergeText(o, a, b);
  assert.deepEqual(merged('1\n2\n3\n', '1 me\n2\n3\n', '1\n2\n3 them\n'), [{ text: '1 me\n2\n3 them\n' }]);
  assert.deepEqual(merged('1\n2\n', '1 me\n2\n', '1\n2 them\n'), [{ text: '1 me\n2 them\n' }]);
  assert.deepEqual(merged('1\n2\n', '1 me\n2\n', '1 them\n2\n'), [{ base: '1\n', mine: '1 me\n', theirs: '1 them\n' }, { text: '2\n' }]);
  assert.deepEqual(merged('1\n', '1\nme\n', '1\nthem\n'), [{ text: '1\n' }, { base: '', mine: 'me\n', theirs: 'them\n' }]);
  assert.deepEqual(merged('', 'me', 'them'), [{ base: '', mine: 'me', theirs: 'them' }]);
});

test('fields merge one by one', () => {
  const base = fieldsOf({ title: 'A', body: 'x\n', tags: ['one', 'two'], summary: null, slug: 'a' });
  const mine = { ...base, title: 'B', tags: ['two', 'three'], body: 'x\ny\n' };
  const theirs = { ...base, summary: 'S', tags: ['one', 'two', 'four'], slug: 'b' };
  const { fields, conflicts } = mergeFields(base, mine, theirs);
  assert.deepEqual(conflicts, []);
  assert.deepEqual(fields, { ...base, title: 'B', body: 'x\ny\n', summary: 'S', slug: 'b', tags: ['two', 'three', 'four'] });
  assert.deepEqual(mergeFields(base, mine, { ...base, title: 'C' }).conflicts.map(({ field }) => field), ['title']);
  assert.deepEqual(patch(base, { ...base, summary: 'S', title: '' }), { title: null, summary: 'S' });
  assert.deepEqual(patch(base, { ...base, tags: ['one', 'two'] }), {});
});

test('each address shows its view', () => {
  for (const { name, path } of ROUTES) {
    const to = address(name, { slug: 'a-b' });
    assert.equal(match(to)?.route.name, name, to);
    assert.deepEqual(match(to)?.params, path.includes(':slug') ? { slug: 'a-b' } : {});
  }
  assert.equal(match('/write/')?.route.name, 'posts');
  for (const none of ['/', '/writer', '/write/nothing', '/write/posts/a/b', '/write/posts/%E0%A4%A']) assert.equal(match(none), null, none);
  assert.equal(address('posts', {}, { status: 'trashed' }), '/write?status=trashed');
});

test('tags are handed on as they were typed, and completed', () => {
  const known = [{ tag: 'rust', posts: 9 }, { tag: 'trust', posts: 20 }, { tag: 'rust-lang', posts: 30 }, { tag: 'learn-rust', posts: 50 }];
  assert.deepEqual(complete('Ru', known, []), ['rust-lang', 'rust', 'learn-rust']);
  assert.deepEqual(complete('Ru', known, ['rust']), ['rust-lang', 'learn-rust']);
  assert.deepEqual(complete('', known, []), []);
  assert.deepEqual(complete('Ünï', [{ tag: 'uni', posts: 1 }], []), ['uni']);
  // The blog tells these apart.
  for (const tag of ['C++', 'C#', '.NET', '日本', 'море', 'B']) assert.deepEqual(add(['c'], ` ${tag} `), ['c', tag]);
  assert.deepEqual(['', ' ', '!?'].map((typed) => add([], typed)), [null, null, null]);
  assert.equal(add(['a'], 'A'), null);
  assert.equal(add(Array.from({ length: MAX_TAGS }, (_, i) => `t${i}`), 'more'), null);
});

test('tags that are typed or pasted with commas are several', () => {
  const after = (typed, tags = []) => {
    const { tags: all, left, wrong } = addAll(tags, typed);
    return [all, left, wrong !== ''];
  };
  assert.deepEqual(after('C++, Machine Learning'), [['C++'], 'Machine Learning', false]);
  assert.deepEqual(after('C++, Machine Learning,'), [['C++', 'Machine Learning'], '', false]);
  assert.deepEqual(after('a,,A , b,', ['x']), [['x', 'a', 'b'], '', false]);
  assert.deepEqual(after('猫、犬，鳥،'), [['猫', '犬', '鳥'], '', false]);
  // What cannot be a tag stays, and what is typed on is tried with it.
  assert.deepEqual(after('a, ?!, b'), [['a'], '?!, b', true]);
  assert.deepEqual(after('?!, b,', ['a']), [['a', 'b'], '?!', true]);
  assert.deepEqual(after('?!,'), [[], '?!', true]);
  const many = Array.from({ length: MAX_TAGS + 2 }, (_, i) => `t${i}`);
  assert.deepEqual(after(`${many},`), [many.slice(0, MAX_TAGS), many.slice(MAX_TAGS).join(', '), true]);
});

test('a picture is a block of its own', () => {
  const at = (before, after) => before + block(before + after, before.length, '![](p)') + after;
  assert.equal(at('', ''), '![](p)\n');
  assert.equal(at('a', ''), 'a\n\n![](p)\n');
  assert.equal(at('a\n', '\nb'), 'a\n\n![](p)\n\nb');
  assert.equal(at('a\n\n', 'b'), 'a\n\n![](p)\n\nb');
  assert.equal(picture('a ] b\n[c', '/media/1'), '![a \\] b \\[c](/media/1)');
  assert.equal(picture('"quoted" <b> & *c*', '/media/1'), '!["quoted" \\<b\\> \\& \\*c\\*](/media/1)');
});

test('the cursor follows the text', () => {
  assert.equal(follow('hello world', 'hello brave world', 3), 3);
  assert.equal(follow('hello world', 'hello brave world', 11), 17);
  assert.equal(follow('abc', '', 2), 0);
});

test('words are counted as a reader reads them', () => {
  assert.equal(countWords('# Two words\n\n![none](https://example.com/a/b) [one](/x) <https://example.com> don’t'), 4);
  assert.equal(countWords(''), 0);
});
