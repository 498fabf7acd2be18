// Nothing typed is lost, whatever the server, the network, other tabs and other people do: node --test contract/editor
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Offline, Problem, SignedOut } from '../../web/write/api.js';
import { Copies } from '../../web/write/copies.js';
import { fieldsOf } from '../../web/write/merge.js';
import { Saver } from '../../web/write/saving.js';

/** A storage as browsers have one, which may be full. */
class Memory {
  all = new Map();
  full = false;
  get length() { return this.all.size; }
  key(i) { return [...this.all.keys()][i] ?? null; }
  getItem(key) { return this.all.get(key) ?? null; }
  removeItem(key) { this.all.delete(key); }
  setItem(key, value) {
    if (this.full) throw new Error('full');
    this.all.set(key, value);
  }
}

/** A server with one post, which fails as it is told: `fails` are thrown, each once, after the write if it says so. */
class Server {
  post = null;
  version = 0;
  keys = new Map();
  fails = [];
  created = 0;
  asked = [];
  async #run(name, write) {
    this.asked.push(name);
    const fail = this.fails.shift();
    if (fail && !fail.late) throw fail.error;
    const result = await write();
    if (fail) throw fail.error;
    return result;
  }
  #stored() { return { post: { ...this.post }, etag: `"${this.version}"` }; }
  write(fields) {
    this.post = { id: '1', status: 'draft', ...this.post, ...fields };
    this.post.slug ||= 'a';
    this.version++;
    return this.#stored();
  }
  create(body, key) {
    return this.#run('create', () => {
      const known = this.keys.get(key);
      if (known && known !== JSON.stringify(body)) throw problem(422, 'idempotency-key-reused');
      if (known) return this.#stored();
      this.keys.set(key, JSON.stringify(body));
      this.created++;
      return this.write(body);
    });
  }
  update(slug, etag, patch) {
    return this.#run('update', () => {
      if (!this.post || slug !== this.post.slug) throw problem(404, 'not-found');
      if (etag !== `"${this.version}"`) throw problem(412, 'precondition-failed');
      return this.write(patch);
    });
  }
  read() {
    return this.#run('read', () => {
      if (!this.post) throw problem(404, 'not-found');
      return this.#stored();
    });
  }
}

const problem = (status, name, more = {}) => new Problem(status, { type: `urn:broadsheet:problem:${name}`, detail: name, ...more }, null);
const fields = (more) => fieldsOf({ body: 'text\n', ...more });

function start({ server = new Server(), storage = new Memory(), there = null, writer = 't.1' } = {}) {
  const later = [];
  const copies = new Copies(storage, 'ada');
  const base = fieldsOf(there?.post ?? {});
  const copy = { id: there?.post.id ?? 'new:1', writer, slug: there?.post.slug ?? '', etag: there?.etag ?? '', base, mine: base, creating: null, at: 0 };
  const saver = new Saver(copy, { server, copies, changed() {}, later: (run, ms) => { later.push({ run, ms }); return () => later.splice(later.findIndex((one) => one.run === run), 1); } });
  if (there) saver.take(there);
  return { saver, server, storage, copies, later };
}

test('what is typed is kept at once and saved in a while', async () => {
  const { saver, server, copies, later } = start();
  saver.type(fields({ title: 'A' }));
  assert.equal(saver.state, 'kept');
  later.find(({ ms }) => ms < 1000).run();
  assert.equal(copies.all()[0].mine.title, 'A');
  await later.find(({ ms }) => ms > 1000).run();
  await saver.save();
  assert.equal(server.post.title, 'A');
  assert.equal(saver.state, 'saved');
  assert.deepEqual(copies.all(), [], 'the server has it, so no copy is needed');
});

test('a post whose answer was lost is not created twice, and what was typed since is saved too', async () => {
  const { saver, server, storage } = start();
  server.fails = [{ error: new Offline(), late: true }];
  saver.type(fields({ title: 'A' }));
  await saver.save();
  assert.equal(saver.state, 'waiting');
  saver.type(fields({ title: 'A', body: 'text\nmore\n' }));
  saver.keep();
  // The tab is closed; another one takes its copy up.
  const [left] = new Copies(storage, 'ada').left(new Set());
  const other = start({ server, storage, writer: 'u.1' });
  Object.assign(other.saver.copy, { base: left.base, mine: left.mine, creating: left.creating });
  await other.saver.save();
  if (other.saver.isDirty) await other.saver.save();
  assert.equal(server.created, 1);
  assert.equal(server.post.body, 'text\nmore\n');
  assert.equal(other.saver.state, 'saved');
});

test('a lost answer to an update is merged with itself', async () => {
  const server = new Server();
  const { saver } = start({ server, there: server.write(fields({})) });
  server.fails = [{ error: new Offline(), late: true }];
  saver.type({ ...saver.copy.mine, body: 'text\nmine\n' });
  await saver.save();
  assert.equal(saver.state, 'waiting');
  await saver.again();
  assert.equal(saver.state, 'saved');
  assert.equal(server.post.body, 'text\nmine\n');
});

test('changes at different places are put together without a question', async () => {
  const server = new Server();
  const { saver } = start({ server, there: server.write(fields({ body: '1\n2\n3\n' })) });
  server.write({ body: '1 them\n2\n3\n', summary: 'theirs' });
  saver.type({ ...saver.copy.mine, body: '1\n2\n3 me\n' });
  assert.equal(await saver.save(), true);
  assert.equal(server.post.body, '1 them\n2\n3 me\n');
  assert.equal(saver.copy.mine.summary, 'theirs');
});

test('changes at the same place wait for a decision, and neither overwrites the other before', async () => {
  const server = new Server();
  const { saver, copies } = start({ server, there: server.write(fields({ body: '1\n' })) });
  server.write({ body: '1 them\n' });
  saver.type({ ...saver.copy.mine, body: '1 me\n' });
  await saver.save();
  assert.equal(saver.state, 'conflict');
  assert.equal(server.post.body, '1 them\n');
  assert.equal(copies.all()[0].mine.body, '1 me\n');
  assert.equal(copies.all()[0].base.body, '1\n', 'a closed tab can still merge');
  saver.type({ ...saver.copy.mine, body: '1 me and more\n' });
  assert.equal(await saver.save(), false);
  assert.equal(server.post.body, '1 them\n');
  saver.decide({ ...saver.copy.mine, body: '1 me\n1 them\n' });
  assert.equal(await saver.save(), true);
  assert.equal(server.post.body, '1 me\n1 them\n');
});

test('what is typed while it is saved stays', async () => {
  const server = new Server();
  const { saver } = start({ server, there: server.write(fields({})) });
  saver.type({ ...saver.copy.mine, title: 'A ' });
  const saving = saver.save();
  saver.type({ ...saver.copy.mine, title: 'A b' });
  await saving;
  assert.equal(saver.copy.mine.title, 'A b');
  await saver.save();
  assert.equal(server.post.title, 'A b');
});

test('a published post changes only when somebody says so', async () => {
  const server = new Server();
  const { saver, later, copies } = start({ server, there: server.write({ ...fields({}), status: 'published' }) });
  saver.type({ ...saver.copy.mine, body: 'half a sen' });
  assert.ok(later.every(({ ms }) => ms < 1000), 'nothing is saved later');
  saver.keep();
  assert.equal(copies.all().length, 1);
  assert.equal(server.post.body, 'text\n');
});

test('what was typed for a draft is not shown to everybody when it was published meanwhile', async () => {
  const server = new Server();
  const { saver, copies } = start({ server, there: server.write(fields({})) });
  saver.type({ ...saver.copy.mine, body: 'half a sen' });
  server.write({ status: 'published' });
  assert.equal(await saver.save(), false);
  assert.deepEqual([server.post.body, saver.state, copies.all()[0].mine.body], ['text\n', 'kept', 'half a sen']);
  // Whoever sees that it is published may say so.
  assert.equal(await saver.save(), true);
  assert.equal(server.post.body, 'half a sen');
});

test('a post whose time has come is published, whoever has said so', () => {
  for (const [at, savesItself] of [['2000-01-01T00:00:00Z', false], ['2999-01-01T00:00:00Z', true]]) {
    const server = new Server();
    const { saver } = start({ server, there: server.write({ ...fields({}), status: 'scheduled', published_at: at }) });
    assert.equal(saver.savesItself, savesItself, at);
  }
});

test('who has left a post does not write it any more: whoever opens it has the copy', async () => {
  const server = new Server();
  const { saver, copies, later } = start({ server, there: server.write(fields({})) });
  saver.type({ ...saver.copy.mine, body: 'typed\n' });
  saver.stop();
  const [copy] = copies.all();
  assert.equal(copy.mine.body, 'typed\n');
  // The next editor takes the copy over while a last try is under way.
  copies.forget(copy);
  later.length = 0;
  server.fails = [{ error: new Offline() }];
  assert.equal(await saver.save(), false);
  assert.deepEqual([copies.all(), later], [[], []], 'it neither keeps it again nor tries again');
});

test('tags are as the server writes them, and what was added since stays', async () => {
  const server = new Server();
  const write = server.write.bind(server);
  server.write = (given) => write(given.tags ? { ...given, tags: given.tags.map((tag) => (tag === 'C++' ? 'cpp' : tag)) } : given);
  const { saver } = start({ server });
  saver.type(fields({ tags: ['C++'] }));
  assert.equal(await saver.save(), true);
  assert.deepEqual(saver.copy.mine.tags, ['cpp']);
  saver.type({ ...saver.copy.mine, tags: ['cpp', 'a'] });
  const saving = saver.save();
  saver.type({ ...saver.copy.mine, tags: ['cpp', 'a', 'b'] });
  assert.equal(await saving, false);
  assert.deepEqual(saver.copy.mine.tags, ['cpp', 'a', 'b']);
});

test('what ends a session, refuses or deletes loses nothing', async () => {
  for (const [error, state] of [[new SignedOut(), 'signed-out'], [problem(422, 'validation-failed'), 'refused'], [problem(410, 'gone'), 'gone'], [problem(403, 'forbidden'), 'refused'], [problem(503, 'unavailable'), 'waiting'], [problem(429, 'too-many-requests'), 'waiting']]) {
    const server = new Server();
    const { saver, copies } = start({ server, there: server.write(fields({})) });
    server.fails = [{ error }];
    saver.type({ ...saver.copy.mine, body: 'mine\n' });
    assert.equal(await saver.save(), false);
    assert.equal(saver.state, state);
    assert.equal(copies.all()[0].mine.body, 'mine\n', state);
  }
});

test('who logs in later is not asked again by each key', async () => {
  const server = new Server();
  const { saver, later } = start({ server, there: server.write(fields({})) });
  server.fails = [{ error: new SignedOut() }];
  saver.type({ ...saver.copy.mine, body: 'mine\n' });
  await saver.save();
  saver.type({ ...saver.copy.mine, body: 'mine, and more\n' });
  assert.ok(later.every(({ ms }) => ms < 1000));
  await saver.again();
  assert.equal(server.post.body, 'mine, and more\n');
});

test('a post that is gone becomes a new one', async () => {
  const server = new Server();
  const { saver } = start({ server, there: server.write(fields({})) });
  server.post = null;
  saver.type({ ...saver.copy.mine, body: 'mine\n' });
  await saver.save();
  assert.equal(saver.state, 'gone');
  saver.startAnew('new:2', fieldsOf({}));
  assert.equal(await saver.save(), true);
  assert.equal(server.post.body, 'mine\n');
});

test('a post that was renamed elsewhere is found by its new address', async () => {
  const server = new Server();
  const { saver } = start({ server, there: server.write(fields({})) });
  server.write({ slug: 'b' });
  saver.type({ ...saver.copy.mine, body: 'mine\n' });
  assert.equal(await saver.save(), true);
  assert.equal(server.post.body, 'mine\n');
  assert.equal(saver.copy.slug, 'b');
});

test('a device that is full says so', () => {
  const { saver, storage } = start();
  storage.full = true;
  saver.type(fields({}));
  saver.keep();
  assert.equal(saver.keeps, false);
});

test('copies are of one user and of one tab', () => {
  const storage = new Memory();
  const [ada, bob] = [new Copies(storage, 'ada'), new Copies(storage, 'bob')];
  const copy = { id: '1', writer: 't.1', slug: 'a', etag: '', base: fields({}), mine: fields({}), creating: null, at: 1 };
  ada.keep(copy);
  ada.keep({ ...copy, writer: 'u.2', at: 0 });
  assert.deepEqual(bob.all(), []);
  assert.deepEqual(ada.left(new Set(['u'])).map(({ writer }) => writer), ['t.1']);
  assert.deepEqual(ada.left(new Set()).map(({ writer }) => writer), ['u.2', 't.1']);
  ada.forget(copy);
  assert.deepEqual(ada.all().map(({ writer }) => writer), ['u.2']);
});
