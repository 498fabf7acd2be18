// Asks Ghost's Content API of Broadsheet by the libraries that front ends use: @tryghost/content-api, which is Ghost's own, and
// @ts-ghost/content-api, whose schemas accept no field that is missing or of another type.
//
// usage: node contract/ghost.mjs --modules FOLDER [--broadsheet PATH]
//
// FOLDER is where `npm install @tryghost/content-api @ts-ghost/content-api` was run. It starts the program with nothing in it, publishes
// the example posts and a note, makes a key, and makes each call of both libraries with each of its options. What a library returns is
// compared with what the native API says.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { values: options } = parseArgs({
  options: { modules: { type: 'string' }, broadsheet: { type: 'string', default: join(ROOT, 'target/debug/broadsheet') } },
});
if (!options.modules) {
  console.error('ghost.mjs: say --modules FOLDER, where @tryghost/content-api and @ts-ghost/content-api are installed');
  process.exit(2);
}
const load = createRequire(resolve(options.modules, 'package.json'));
const GhostContentAPI = load('@tryghost/content-api');
const { TSGhostContentAPI } = load('@ts-ghost/content-api');
const PASSWORD = randomBytes(18).toString('base64url');

/** The program, with nothing in it; ends with this process. */
async function start() {
  const child = spawn(options.broadsheet, ['--memory', '--port', '0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  process.on('exit', () => child.kill());
  let out = '';
  const api = await new Promise((found, failed) => {
    child.stdout.on('data', (text) => {
      out += text;
      const line = /^ {2}API +(\S+)$/m.exec(out);
      if (line) found(line[1]);
    });
    child.on('exit', () => failed(new Error('the program does not start')));
  });
  return { api, site: api.replace(/\/v1$/, '') };
}

async function call({ api }, method, path, body, token) {
  const headers = { 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

async function register(blog, username, email) {
  await call(blog, 'POST', '/users', { username, email, password: PASSWORD });
  if (username === 'chief') {
    const mails = await (await fetch(`${blog.site}/_local/emails`)).json();
    const { code } = (mails.items ?? mails).find((mail) => mail.to === email);
    await call(blog, 'POST', '/users/confirm', { email, code });
  }
  return (await call(blog, 'POST', '/sessions', { login: username, password: PASSWORD })).access_token;
}

/** All cards of the native API, as a visitor gets them. */
async function cards(blog) {
  const found = [];
  for (let cursor = ''; cursor !== null; ) {
    const page = await call(blog, 'GET', `/posts?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    found.push(...page.items);
    cursor = page.next_cursor;
  }
  return found.sort((one, other) => (one.published_at < other.published_at ? 1 : -1));
}

const slugs = (list) => list.map(({ slug }) => slug);
const refused = async (asked, status, type) => {
  const error = await asked.then(() => assert.fail('it is not refused'), (error) => error);
  assert.equal(error.response?.status, status, String(error));
  assert.equal(error.name, type);
};
let calls = 0;
const pages = new Set(); // addresses of pages, as the library says them

/** Each call of Ghost's own library. */
async function ofGhost(blog, key, posts, pinned, version) {
  const api = new GhostContentAPI({ url: blog.site, key, version });
  const did = (asked) => {
    calls += 1;
    return asked;
  };
  const all = await did(api.posts.browse({ limit: 'all', include: ['tags', 'authors'], formats: ['html', 'plaintext'] }));
  assert.deepEqual(slugs(all), slugs(posts));
  assert.deepEqual(all.meta.pagination, { page: 1, limit: 100, pages: 1, total: posts.length, next: null, prev: null });
  for (const post of all) {
    const native = posts.find(({ slug }) => slug === post.slug);
    assert.deepEqual(post.tags.map(({ name }) => name), native.tags);
    assert.equal(post.primary_tag?.slug ?? null, native.tags[0] ?? null);
    assert.equal(post.primary_author.slug, native.author.username);
    assert.equal(new Date(post.published_at).getTime(), new Date(native.published_at).getTime());
    assert.ok(post.html && post.plaintext && !post.plaintext.includes('<p>'), post.slug);
    assert.doesNotMatch(post.html, /(src|href)="\//, 'addresses are absolute');
    assert.equal(post.url, `${blog.site}/posts/${post.slug}/`);
    for (const { url } of [post, post.primary_author, ...post.tags]) {
      pages.add(url);
    }
  }
  const some = await did(api.posts.browse({ limit: 3, page: 2, fields: 'slug,url,title' }));
  assert.deepEqual(slugs(some), slugs(posts).slice(3, 6));
  assert.deepEqual(Object.keys(some[0]).sort(), ['slug', 'title', 'url']);
  assert.deepEqual([some.meta.pagination.prev, some.meta.pagination.next], [1, posts.length > 6 ? 3 : null]);
  const oldest = await did(api.posts.browse({ order: 'published_at asc', limit: 1 }));
  assert.equal(oldest[0].slug, posts.at(-1).slug);
  const [tag] = posts.find(({ tags }) => tags.length).tags;
  const tagged = slugs(posts.filter(({ tags }) => tags.includes(tag)));
  assert.deepEqual(slugs(await did(api.posts.browse({ filter: `tag:${tag}` }))), tagged);
  assert.deepEqual(slugs(await did(api.posts.browse({ filter: [`tag:${tag}`, 'featured:true'].join('+') }))), tagged.filter((slug) => slug === pinned));
  assert.deepEqual(slugs(await did(api.posts.browse({ filter: 'featured:true' }))), [pinned]);
  assert.deepEqual(slugs(await did(api.posts.browse({ filter: "published_at:<='2000-01-01',slug:" + pinned }))), [pinned]);
  for (const post of [all[0], all.at(-1)]) {
    for (const by of [{ id: post.id }, { slug: post.slug }]) {
      const read = await did(api.posts.read(by, { include: 'tags,authors', formats: ['html', 'plaintext'] }));
      assert.deepEqual(read, post);
      assert.deepEqual(await did(api.posts.read(by, { fields: ['title'] })), { title: post.title });
    }
  }
  await refused(did(api.posts.read({ slug: 'there-is-none' })), 404, 'NotFoundError');
  await refused(did(api.posts.read({ id: '01KAM5K9R0000000000000000A' })), 404, 'NotFoundError');
  await refused(did(api.posts.browse({ filter: 'title' })), 400, 'BadRequestError');

  const authors = await did(api.authors.browse({ include: 'count.posts', limit: 'all', order: 'slug asc', filter: 'visibility:public' }));
  const names = [...new Set(posts.map(({ author }) => author.username))].sort();
  assert.deepEqual(slugs(authors), names);
  for (const author of authors) {
    assert.equal(author.count.posts, posts.filter((post) => post.author.username === author.slug).length);
    assert.deepEqual(await did(api.authors.read({ slug: author.slug }, { include: 'count.posts' })), author);
    assert.deepEqual(await did(api.authors.read({ id: author.id }, { include: 'count.posts' })), author);
  }
  await refused(did(api.authors.read({ slug: 'nobody' })), 404, 'NotFoundError');

  const tags = await did(api.tags.browse({ include: 'count.posts', limit: 'all', filter: 'visibility:public' }));
  assert.deepEqual(slugs(tags), [...new Set(posts.flatMap((post) => post.tags))].sort());
  assert.deepEqual(slugs(await did(api.tags.browse({ limit: 2, page: 2, order: 'slug desc' }))), slugs(tags).reverse().slice(2, 4));
  for (const one of tags) {
    assert.equal(one.count.posts, posts.filter((post) => post.tags.includes(one.slug)).length, one.slug);
  }
  assert.deepEqual(await did(api.tags.read({ slug: tags[0].slug }, { include: 'count.posts' })), tags[0]);
  assert.deepEqual(await did(api.tags.read({ id: tags[0].id }, { fields: 'slug,name' })), { slug: tags[0].slug, name: tags[0].name });
  await refused(did(api.tags.read({ slug: 'none' })), 404, 'NotFoundError');

  const settings = await did(api.settings.browse());
  assert.equal(settings.url, `${blog.site}/`);
  for (const none of ['pages', 'tiers', 'newsletters']) {
    const list = await did(api[none].browse({ limit: 'all', include: 'monthly_price,benefits' }));
    assert.deepEqual([...list], []);
    assert.equal(list.meta.pagination.total, 0);
  }
  await refused(did(api.pages.read({ slug: 'about' })), 404, 'NotFoundError');
  await refused(did(api.offers.read({ id: '01KAM5K9R0000000000000000A' })), 404, 'NotFoundError');
}

/** Each call of the strict library, whose schemas throw for a field that is not as Ghost has it. */
async function ofTypes(blog, key, posts) {
  const api = new TSGhostContentAPI(blog.site, key, 'v6.0');
  const ok = async (fetcher) => {
    calls += 1;
    const result = await fetcher.fetch();
    assert.ok(result.success, JSON.stringify(result.errors));
    return result;
  };
  const fails = async (fetcher, status) => {
    calls += 1;
    const result = await fetcher.fetch();
    assert.equal(result.success, false);
    if (result.status) assert.equal(result.status, status);
    assert.ok(result.errors[0].type && result.errors[0].message);
  };
  const { data, meta } = await ok(api.posts.browse().include({ authors: true, tags: true }).formats({ html: true, plaintext: true }));
  assert.deepEqual(slugs(data), slugs(posts).slice(0, 15));
  assert.equal(meta.pagination.total, posts.length);
  assert.ok(data.every((post) => post.html && post.plaintext && post.authors.length === 1 && Array.isArray(post.tags)));
  const pages = [];
  for (let fetcher = api.posts.browse({ limit: 4, order: 'published_at DESC' }); fetcher; ) {
    calls += 1;
    const { current, next } = await fetcher.paginate();
    assert.ok(current.success);
    pages.push(...slugs(current.data));
    fetcher = next;
  }
  assert.deepEqual(pages, slugs(posts));
  const picked = await ok(api.posts.browse({ limit: 2, page: 2, filter: 'featured:false', order: 'title ASC' }).fields({ slug: true, title: true, primary_tag: true }));
  assert.deepEqual(Object.keys(picked.data[0]).sort(), ['slug', 'title']);
  const [first] = data;
  for (const by of [{ id: first.id }, { slug: first.slug }]) {
    const read = await ok(api.posts.read(by).include({ authors: true, tags: true }).formats({ html: true, plaintext: true }));
    assert.deepEqual(read.data, first);
    assert.deepEqual((await ok(api.posts.read(by).fields({ title: true, url: true }))).data, { title: first.title, url: first.url });
  }
  await fails(api.posts.read({ slug: 'there-is-none' }), 404);
  await fails(api.posts.browse({ filter: 'published_at:>tomorrow' }), 400);

  const authors = await ok(api.authors.browse({ limit: 15, order: 'name ASC' }).include({ 'count.posts': true }));
  assert.ok(authors.data.every((author) => author.count.posts > 0));
  for (const by of [{ id: authors.data[0].id }, { slug: authors.data[0].slug }]) {
    assert.deepEqual((await ok(api.authors.read(by).include({ 'count.posts': true }))).data, authors.data[0]);
    await ok(api.authors.read(by).fields({ name: true, bio: true }));
  }
  const tags = await ok(api.tags.browse({ limit: 'all', filter: 'visibility:public' }).include({ 'count.posts': true }));
  assert.ok(tags.data.every((tag) => tag.count.posts > 0));
  for (const by of [{ id: tags.data[0].id }, { slug: tags.data[0].slug }]) {
    assert.deepEqual((await ok(api.tags.read(by).include({ 'count.posts': true }))).data, tags.data[0]);
    await ok(api.tags.read(by).fields({ name: true, slug: true }));
  }
  await ok(api.settings);
  assert.deepEqual((await ok(api.pages.browse({ limit: 5 }).include({ authors: true, tags: true }))).data, []);
  await fails(api.pages.read({ slug: 'about' }), 404);
  assert.deepEqual((await ok(api.tiers.browse().include({ benefits: true, monthly_price: true, yearly_price: true }))).data, []);
  await fails(api.tiers.read({ slug: 'free' }), 404);
  await fails(new TSGhostContentAPI(blog.site, '22444f78447824223cefc48062', 'v6.0').posts.browse(), 401);
}

const blog = await start();
const chief = await register(blog, 'chief', 'admin@example.com');
const ada = await register(blog, 'examples', 'examples@example.com');
const seeded = spawnSync(
  options.broadsheet,
  ['import', join(ROOT, 'examples/posts'), '--as', 'examples', '--url', blog.api, '--journal', join(mkdtempSync(join(tmpdir(), 'ghost-')), 'journal')],
  { env: { ...process.env, BROADSHEET_PASSWORD: PASSWORD }, encoding: 'utf8' },
);
assert.equal(seeded.status, 0, seeded.stdout + seeded.stderr);
await call(blog, 'POST', '/posts', { body: 'A note without a title.', tags: ['odd'], status: 'published' }, ada);
await call(blog, 'POST', '/posts', { title: 'A draft', body: 'Not yet.', tags: ['secret'] }, ada);
await call(blog, 'POST', '/posts', { title: 'By another', body: 'Some <b>text</b> with a [link](/x).', status: 'published' }, chief);
const posts = await cards(blog);
const pinned = posts[2].slug;
await call(blog, 'PUT', `/posts/${pinned}/pin`, undefined, chief);
const { key } = await call(blog, 'POST', '/admin/content-keys', { name: 'contract/ghost.mjs' }, chief);

console.warn = () => {}; // its own library warns of versions without a minor number
for (const version of ['v6.0', 'v5.0', 'v3', 'v4', 'canary', 'v6', true, false]) {
  await ofGhost(blog, key, posts, pinned, version);
}
await refused(new GhostContentAPI({ url: blog.site, key: '22444f78447824223cefc48062', version: 'v6.0' }).posts.browse(), 401, 'UnauthorizedError');
await ofTypes(blog, key, posts);
for (const url of pages) {
  assert.match(url, /\/$/);
  assert.equal((await fetch(url)).status, 200, url);
}
console.log(`ghost.mjs: ${calls} calls of two libraries, over ${posts.length} posts`);
process.exit(0);
