// A writer's day in a real browser, against the program: register, write, illustrate, publish, edit in two tabs, merge, schedule, restore; with
// a network that fails, tabs that close and sessions that end; by keyboard only; each view looked at by axe, in light and dark, narrow and wide.
//
// usage: node contract/editor.mjs --modules FOLDER --broadsheet PROGRAM [--screenshots FOLDER] [--only TEXT] [--quick, which leaves axe out]
// needs: playwright-core and axe-core in FOLDER/node_modules, and Chromium (CHROMIUM=PROGRAM, or chromium)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { deflateSync } from 'node:zlib';

const { values: options } = parseArgs({ options: { modules: { type: 'string' }, broadsheet: { type: 'string' }, screenshots: { type: 'string' }, only: { type: 'string', default: '' }, quick: { type: 'boolean' } } });
const modules = createRequire(join(resolve(options.modules), 'node_modules', 'x.js'));
const { chromium } = modules('playwright-core');
const axe = readFileSync(modules.resolve('axe-core'), 'utf8');

const PASSWORD = 'correct horse battery';
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 320, height: 640 };
/** The same machine as another one in its network sees it: by plain HTTP, where browsers leave out what they give to HTTPS and localhost only. */
const OTHER_HOST = 'blog.example';
if (options.screenshots) mkdirSync(options.screenshots, { recursive: true });

// ------------------------------------------------------------------ the blog and the browser

/** What runs, to be ended with the story. */
const programs = new Set();
process.on('exit', () => programs.forEach((program) => program.kill()));

/** The program, with what it is told. */
async function blog(...parameters) {
  const program = spawn(options.broadsheet, ['--memory', '--port', '0', '--log-level', 'off', ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
  programs.add(program);
  let said = '';
  return new Promise((started, failed) => {
    program.stdout.on('data', (chunk) => {
      said += chunk;
      const url = /^ {2}editor +(\S+)\/write$/m.exec(said)?.[1];
      if (url) started({ url });
    });
    program.on('exit', () => failed(new Error(`the program did not start: ${said}`)));
  });
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', `--host-resolver-rules=MAP ${OTHER_HOST} 127.0.0.1`] });

/** Somebody at a browser of their own. What goes wrong on any page of theirs fails the story. */
async function somebody(site, settings = {}) {
  const context = await browser.newContext({ baseURL: site.url, viewport: WIDE, ...settings });
  context.setDefaultTimeout(30_000);
  context.wrong = [];
  context.on('page', (page) => {
    page.on('pageerror', (error) => context.wrong.push(`${error}`));
    page.on('console', (message) => {
      // What the network refuses is told there as well; that is not about the page.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) context.wrong.push(message.text());
    });
  });
  return context;
}

/** Calls the API, past the browser. */
async function api(site, token, method, path, body, headers = {}) {
  const response = await fetch(`${site.url}/v1${path}`, { method, headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body ? { 'content-type': 'application/json' } : {}), ...headers }, body: body && JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get('etag'), body: text ? JSON.parse(text) : null };
}

async function token(site, login) {
  const { status, body } = await api(site, null, 'POST', '/sessions', { login, password: PASSWORD });
  assert.equal(status, 201);
  return body.access_token;
}

async function register(site, page, username) {
  await page.goto('/write/register');
  await sendRegistration(page, username);
}

async function sendRegistration(page, username) {
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('E-mail address').fill(`${username}@example.com`);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Register' }).click();
}

/** The code of the newest message. */
const code = async (site) => /\b\d{6}\b/.exec(await (await fetch(`${site.url}/_local/emails`)).text())[0];

/** A registered user, signed in on a page of theirs. */
async function signedIn(site, username, settings) {
  const context = await somebody(site, settings);
  const page = await context.newPage();
  await register(site, page, username);
  await page.getByRole('heading', { level: 1, name: /^(Your posts|Confirm)/ }).waitFor();
  // Whoever becomes the administrator shows that the address is theirs.
  if (await page.getByLabel('Code').isVisible()) {
    await page.getByLabel('Code').fill(await code(site));
    await page.getByRole('button', { name: 'Confirm' }).click();
  }
  await heading(page, 'Your posts');
  return { context, page };
}

const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
const state = (page, text) => page.locator('#state').filter({ hasText: new RegExp(text) }).waitFor();
/** What a list of the API says is the case in a while. */
async function until(check, what) {
  for (let tries = 0; tries < 300; tries++) {
    if (await check()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${what}: not within half a minute`);
}

/** A picture of one colour, as PNG. */
function png(width, height) {
  const table = Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n >>> 0; });
  const crc = (bytes) => ~bytes.reduce((sum, byte) => table[(sum ^ byte) & 255] ^ (sum >>> 8), 0xffffffff) >>> 0;
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 90)]);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(Array(height).fill(row)))), chunk('IEND', Buffer.alloc(0))]);
}

// ------------------------------------------------------------------ looking at a view

let looked = 0;
/** A view breaks no rule of WCAG 2.2 AA that a program can check, in light and dark, narrow and wide, and nothing sticks out of it. */
async function look(page, name) {
  if (options.quick) return;
  for (const [width, size] of [['wide', WIDE], ['narrow', NARROW]]) {
    await page.setViewportSize(size);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      if (options.screenshots) await page.screenshot({ path: join(options.screenshots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      // Past the page's policy, which lets nobody inject a script.
      const { violations } = await page.evaluate(`${axe}; axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`);
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`), [], `${name}, ${width}, ${colorScheme}`);
      looked++;
    }
    const [inside, outside] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(inside <= outside, `${name} is ${inside} pixels wide in a window of ${outside}`);
  }
  await page.setViewportSize(WIDE);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
}

// ------------------------------------------------------------------ the stories

const stories = {
  async 'a writer registers, confirms by e-mail, writes, illustrates and publishes'() {
    const site = await blog('--confirm-email');
    const context = await somebody(site);
    const page = await context.newPage();
    await page.goto('/write');
    await heading(page, 'Log in');
    await look(page, 'log-in');
    await page.getByRole('link', { name: 'Register' }).first().click();
    await heading(page, 'Register');
    await look(page, 'register');
    // What is wrong is said at the field, and the focus goes there.
    await page.getByLabel('Username').fill('a');
    await page.getByLabel('E-mail address').fill('ada@example.com');
    await page.getByLabel('Password').fill('short');
    await page.getByRole('button', { name: 'Register' }).click();
    await page.locator('[aria-invalid]').first().waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.name), 'username');
    await look(page, 'register-invalid');
    await page.getByLabel('Username').fill('ada');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Register' }).click();
    await heading(page, 'Confirm your address');
    await look(page, 'confirm');
    await page.getByLabel('Code').fill(await code(site));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await heading(page, 'Your posts');
    await look(page, 'posts-empty');

    await page.getByRole('link', { name: 'Write a new post' }).click();
    await heading(page, 'Write a post');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('A post needs a text.').waitFor();
    await page.getByLabel('Title', { exact: true }).fill('A day at the sea');
    await page.getByLabel('Text', { exact: true }).fill('The *sea* was calm.\n');
    await state(page, 'Saved.');
    assert.match(page.url(), /\/write\/posts\/a-day-at-the-sea$/);

    // A picture by the dialog, one by a drop, one by a paste.
    const file = { name: 'sea.png', mimeType: 'image/png', buffer: png(700, 300) };
    const describe = async (alt) => {
      await page.getByLabel('What does it show?').fill(alt);
      await page.getByRole('button', { name: 'Add the picture' }).click();
      await until(async () => (await page.locator('#body').inputValue()).includes(`![${alt}](/media/`), 'the picture is in the text');
    };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByLabel('What does it show?').waitFor();
    await look(page, 'describe-picture');
    await describe('The sea');
    for (const [type, alt] of [['drop', 'Dropped'], ['paste', 'Pasted']]) {
      await page.evaluate(([kind, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, { type: 'image/png' }));
        const event = kind === 'drop' ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }) : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
        document.querySelector('#body').dispatchEvent(event);
      }, [type, [...png(500 + looked, 200)]]);
      await describe(alt);
    }
    // One that is none is refused, and the text stays.
    const before = await page.locator('#body').inputValue();
    assert.match(before, /calm[^]*The sea[^]*Dropped[^]*Pasted/, 'each picture is where the cursor was');
    await page.locator('input[type=file]').setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    await page.getByRole('button', { name: 'Add the picture' }).click();
    await page.getByRole('alert').filter({ hasText: 'refused' }).waitFor();
    assert.equal(await page.locator('#body').inputValue(), before);

    // The server's own preview, with the picture, which the page may load.
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.locator('.preview em').filter({ hasText: 'sea' }).waitFor();
    const shown = page.locator('.preview img').first();
    await until(() => shown.evaluate((image) => image.complete && image.naturalWidth > 0), 'the picture is shown');
    assert.equal(await shown.getAttribute('alt'), 'The sea');
    await page.getByRole('combobox', { name: 'Tags' }).fill('?!');
    await page.keyboard.press('Enter');
    await page.getByText('A tag needs a letter or a digit.').waitFor();
    assert.equal(await page.getByRole('combobox', { name: 'Tags' }).inputValue(), '?!', 'what is no tag does not vanish');
    for (const [typed, tag] of [['Meer & Sea', 'meer-sea'], ['море', 'more'], ['C++', 'cpp']]) {
      await page.getByRole('combobox', { name: 'Tags' }).fill(typed);
      await page.keyboard.press('Enter');
      await page.locator('.tags li').filter({ hasText: tag }).waitFor();
    }
    await page.getByText('More settings').click();
    await page.getByLabel('Summary').fill('Calm.');
    await state(page, 'Saved.');
    await look(page, 'write');
    await page.getByRole('button', { name: 'Publish' }).click();
    await state(page, 'Published as you see it.');
    const { body: post } = await api(site, null, 'GET', '/posts/a-day-at-the-sea');
    assert.deepEqual([post.status, post.tags, post.summary], ['published', ['meer-sea', 'more', 'cpp'], 'Calm.']);
    assert.match(post.html, /srcset/);
    const reader = await context.newPage();
    await reader.goto('/posts/a-day-at-the-sea');
    const picture = reader.getByAltText('The sea');
    await picture.scrollIntoViewIfNeeded();
    await until(() => picture.evaluate((image) => image.complete && image.naturalWidth > 0), 'readers see the picture');
    await reader.close();

    // What everybody reads does not follow the keys.
    await page.getByLabel('Text', { exact: true }).press('End');
    await page.getByLabel('Text', { exact: true }).pressSequentially('Half a sent');
    await state(page, 'Readers see the version before');
    await new Promise((done) => setTimeout(done, 2500));
    assert.doesNotMatch((await api(site, null, 'GET', '/posts/a-day-at-the-sea')).body.body, /Half/);
    await page.getByRole('button', { name: 'Update' }).click();
    await state(page, 'Published as you see it.');
    // A tag of the blog completes what is typed.
    await page.getByRole('link', { name: 'New post' }).click();
    await heading(page, 'Write a post');
    await page.getByRole('combobox', { name: 'Tags' }).pressSequentially('mee');
    await page.getByRole('option', { name: 'meer-sea' }).waitFor();
    await look(page, 'tags');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.tags li').filter({ hasText: 'meer-sea' }).waitFor();
    return [context];
  },

  async 'two tabs change one post, and what cannot be put together is decided'() {
    const site = await blog();
    const { context, page } = await signedIn(site, 'ada');
    const ada = await token(site, 'ada');
    await api(site, ada, 'POST', '/posts', { title: 'Two', slug: 'two', body: 'one\n\ntwo\n\nthree\n' });
    await page.goto('/write/posts/two');
    await heading(page, 'Edit the post');
    const other = await context.newPage();
    await other.goto('/write/posts/two');
    await heading(other, 'Edit the post');
    const text = (tab) => tab.locator('#body');
    // Different paragraphs: nobody is asked. The other tab sees it without being touched.
    await text(page).fill('one by me\n\ntwo\n\nthree\n');
    await text(other).fill('one\n\ntwo\n\nthree by the other\n');
    await until(async () => (await api(site, ada, 'GET', '/posts/two')).body.body === 'one by me\n\ntwo\n\nthree by the other\n', 'both are saved');
    for (const tab of [page, other]) await until(async () => (await text(tab).inputValue()) === 'one by me\n\ntwo\n\nthree by the other\n', 'both tabs show it');
    // The same paragraph, by somebody else who has just saved: a choice.
    const there = await api(site, ada, 'GET', '/posts/two');
    await other.close();
    assert.equal((await api(site, ada, 'PATCH', '/posts/two', { body: 'one by me\n\ntwo by them\n\nthree by the other\n', title: 'Two' }, { 'if-match': there.etag })).status, 200);
    await text(page).fill('one by me\n\ntwo, as I say\n\nthree by the other\n');
    await page.getByRole('dialog', { name: 'This post was changed elsewhere' }).waitFor();
    await look(page, 'merge');
    assert.match((await api(site, ada, 'GET', '/posts/two')).body.body, /two by them/, 'nothing is overwritten');
    // Later, then: typing goes on, and nothing is lost on either side.
    await page.getByRole('button', { name: 'Decide later' }).click();
    await state(page, 'changed elsewhere');
    await page.getByRole('button', { name: 'Merge' }).click();
    await page.getByLabel('Both, one after the other').check();
    await page.getByRole('button', { name: 'Use this' }).click();
    await state(page, 'Saved.');
    assert.equal((await api(site, ada, 'GET', '/posts/two')).body.body, 'one by me\n\ntwo, as I say\ntwo by them\n\nthree by the other\n');
    // What is published is what is seen: a change meanwhile is merged first.
    await api(site, ada, 'PATCH', '/posts/two', { summary: 'By them.' }, { 'if-match': '*' });
    await page.getByRole('button', { name: 'Publish' }).click();
    await state(page, 'Published as you see it.');
    await page.getByText('More settings').click();
    assert.equal(await page.getByLabel('Summary').inputValue(), 'By them.');
    assert.equal((await api(site, null, 'GET', '/posts/two')).body.summary, 'By them.');
    return [context];
  },

  async 'nothing typed is lost: no network, a closed tab, a session that ends'() {
    const site = await blog();
    const { context, page } = await signedIn(site, 'ada');
    const ada = await token(site, 'ada');
    // A post that the server has never seen.
    await page.goto('/write/new');
    await heading(page, 'Write a post');
    await context.setOffline(true);
    await page.locator('#title').fill('Offline');
    await page.locator('#body').fill('Typed in a tunnel.\n');
    await state(page, 'cannot be reached');
    await page.close({ runBeforeUnload: false });
    const second = await context.newPage();
    await context.setOffline(false);
    await second.goto('/write');
    await second.getByRole('heading', { name: 'On this device only' }).waitFor();
    await look(second, 'posts-on-this-device');
    await second.getByRole('link', { name: 'Offline' }).click();
    await until(async () => (await second.locator('#body').inputValue()) === 'Typed in a tunnel.\n', 'it is back');
    await second.getByRole('button', { name: 'Save', exact: true }).click();
    await state(second, 'Saved.');
    assert.equal((await api(site, ada, 'GET', '/posts/offline')).body.body, 'Typed in a tunnel.\n');

    // A tab that is closed the moment after a key, while somebody else changes another paragraph.
    await second.locator('#body').fill('Typed in a tunnel.\n\nAnd one more key.\n');
    await second.close();
    const there = await api(site, ada, 'GET', '/posts/offline');
    if (!there.body.body.includes('one more key')) {
      await api(site, ada, 'PATCH', '/posts/offline', { summary: 'By another.' }, { 'if-match': there.etag });
    }
    const third = await context.newPage();
    await third.goto('/write/posts/offline');
    await until(async () => (await third.locator('#body').inputValue()).includes('one more key'), 'the last key is back');

    // A lost answer: the request arrives, and the tab does not know.
    await third.goto('/write/new');
    await heading(third, 'Write a post');
    await third.route('**/v1/posts', async (route) => {
      await route.fetch();
      await route.abort();
    }, { times: 1 });
    await third.locator('#title').fill('Once');
    await third.locator('#body').fill('Once only.\n');
    await state(third, 'cannot be reached');
    await third.locator('#body').fill('Once only, I say.\n');
    await state(third, 'Saved.');
    const all = (await api(site, ada, 'GET', '/me/posts?status=draft')).body.items.filter(({ title }) => title === 'Once');
    assert.equal(all.length, 1, 'it was created once');
    assert.equal((await api(site, ada, 'GET', `/posts/${all[0].slug}`)).body.body, 'Once only, I say.\n');

    // An access token that is no longer good is renewed without a word.
    let refused = 0;
    await third.route('**/v1/posts/once*', async (route) => {
      if (refused++ > 0) return route.continue();
      await route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify({ type: 'urn:broadsheet:problem:unauthenticated', detail: 'old' }) });
    });
    await third.locator('#body').fill('Once only, I say again.\n');
    await state(third, 'Saved.');
    assert.ok(refused >= 2);
    await third.unroute('**/v1/posts/once*');
    // A session that was ended elsewhere: the password is asked for where the text is.
    await api(site, await token(site, 'ada'), 'DELETE', '/sessions');
    await third.route('**/v1/posts/once*', (route) => (refused++ > 2 ? route.continue() : route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify({ type: 'urn:broadsheet:problem:unauthenticated', detail: 'old' }) })));
    await third.locator('#body').fill('Typed after the end.\n');
    await third.getByRole('dialog', { name: 'Log in again' }).waitFor();
    await look(third, 'log-in-again');
    await third.getByLabel('Password').fill(PASSWORD);
    await third.getByRole('dialog').getByRole('button', { name: 'Log in' }).click();
    await state(third, 'Saved.');
    assert.equal((await api(site, await token(site, 'ada'), 'GET', '/posts/once')).body.body, 'Typed after the end.\n');
    return [context];
  },

  async 'nothing typed is lost: somebody else logs in, a device is full, a post is published elsewhere'() {
    const site = await blog('--parameter', 'RequestsPerMinute=0');
    const { context, page } = await signedIn(site, 'ada');
    assert.equal((await api(site, null, 'POST', '/users', { username: 'eve', email: 'eve@example.com', password: PASSWORD })).status, 201);
    const drafts = async (who) => (await api(site, await token(site, who), 'GET', '/me/posts?status=draft')).body.items.map(({ title }) => title);
    // Where a session has ended, somebody else logs in: they get nothing of it, and it waits for who typed it.
    await page.goto('/write/new');
    await heading(page, 'Write a post');
    await api(site, await token(site, 'ada'), 'DELETE', '/sessions');
    await page.route('**/v1/posts', (route) => route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify({ type: 'urn:broadsheet:problem:unauthenticated', detail: 'old' }) }), { times: 1 });
    await page.locator('#title').fill('For nobody else');
    await page.locator('#body').fill('A secret.\n');
    const dialog = page.getByRole('dialog', { name: 'Log in again' });
    await dialog.getByLabel('Username').fill('eve');
    await dialog.getByLabel('Password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Log in' }).click();
    await heading(page, 'Your posts');
    assert.equal(await page.getByText('For nobody else').count(), 0);
    await page.getByRole('button', { name: 'Log out' }).click();
    await heading(page, 'Log in');
    assert.deepEqual([await drafts('eve'), await drafts('ada')], [[], []]);
    await page.getByLabel('Username').fill('ada');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('link', { name: 'For nobody else' }).click();
    await until(async () => (await page.locator('#body').inputValue()) === 'A secret.\n', 'it is back');

    // Another tab publishes what is being written here: half a sentence stays what it is, even if Ctrl+S is pressed.
    const ada = await token(site, 'ada');
    for (const slug of ['elsewhere', 'full']) await api(site, ada, 'POST', '/posts', { title: slug, slug, body: 'One.\n' });
    await page.goto('/write/posts/elsewhere');
    await heading(page, 'Edit the post');
    await api(site, ada, 'POST', '/posts/elsewhere/publish', {});
    await page.locator('#body').fill('One.\n\nHalf a sen');
    await page.keyboard.press('Control+s');
    await state(page, 'Readers see the version before');
    assert.equal((await api(site, null, 'GET', '/posts/elsewhere')).body.body, 'One.\n');
    await page.getByRole('button', { name: 'Update' }).click();
    await state(page, 'Published as you see it.');
    // What is withdrawn is not shown first, and what goes to the trash takes what was typed along.
    const asked = [];
    page.on('request', (request) => /POST|PATCH/.test(request.method()) && asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await page.locator('#body').fill('One.\n\nHalf a thought');
    await state(page, 'Readers see the version before');
    await page.getByRole('button', { name: 'Unpublish' }).click();
    await state(page, 'Saved.');
    assert.deepEqual(asked, ['POST /v1/posts/elsewhere/unpublish', 'PATCH /v1/posts/elsewhere']);
    assert.equal((await api(site, ada, 'GET', '/posts/elsewhere')).body.body, 'One.\n\nHalf a thought');
    await page.getByRole('button', { name: 'Publish' }).click();
    await state(page, 'Published as you see it.');
    await page.locator('#body').fill('One.\n\nHalf a thought, and more');
    await state(page, 'Readers see the version before');
    await page.getByRole('button', { name: 'Move to the trash' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Move to the trash' }).click();
    await page.getByRole('button', { name: 'Restore' }).click();
    await until(async () => (await page.locator('#body').inputValue().catch(() => '')) === 'One.\n\nHalf a thought, and more', 'it is back');
    await state(page, 'Saved.|Kept on this device.');

    // A device that can keep nothing, and a server that does not answer: whoever goes elsewhere is asked first.
    await page.goto('/write/posts/full');
    await heading(page, 'Edit the post');
    await page.evaluate(() => {
      Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };
    });
    await page.route('**/v1/posts/full', (route) => route.abort());
    await page.locator('#body').fill('One.\n\nNowhere else.\n');
    await state(page, 'can keep no copy');
    await page.getByRole('link', { name: 'Feed' }).click();
    await page.getByRole('dialog', { name: 'Leave without saving?' }).waitFor();
    await look(page, 'leave');
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.match(page.url(), /\/write\/posts\/full$/);
    assert.equal(await page.locator('#body').inputValue(), 'One.\n\nNowhere else.\n');
    await page.unroute('**/v1/posts/full');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await state(page, 'Saved.');
    await page.getByRole('link', { name: 'Feed' }).click();
    await heading(page, 'Your feed');
    // A browser that lets pages keep nothing.
    await page.addInitScript(() => Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } }));
    await page.goto('/write');
    await page.getByRole('link', { name: 'full' }).click();
    await heading(page, 'Edit the post');
    await page.locator('#body').fill('One.\n\nKept by the server only.\n');
    await state(page, 'can keep no copy');
    await state(page, 'Saved.');
    return [context];
  },

  async 'a post is scheduled, its versions compared and restored, and it goes to the trash and back'() {
    const site = await blog();
    const { context, page } = await signedIn(site, 'ada');
    const ada = await token(site, 'ada');
    await page.goto('/write/new');
    await page.locator('#title').fill('Later');
    await page.locator('#body').fill('First words.\n');
    await state(page, 'Saved.');
    await page.getByRole('button', { name: 'Schedule' }).click();
    await page.getByLabel('Date and time').waitFor();
    await look(page, 'schedule');
    await page.getByRole('dialog').getByRole('button', { name: 'Schedule' }).click();
    await page.getByRole('button', { name: 'Change the time' }).waitFor();
    assert.equal((await api(site, ada, 'GET', '/posts/later')).body.status, 'scheduled');
    await page.getByRole('button', { name: 'Change the time' }).click();
    await page.getByLabel('Date and time').fill('2099-12-31T23:59');
    await page.getByRole('dialog').getByRole('button', { name: 'Schedule' }).click();
    await page.getByText(/^To be published .*2099/).first().waitFor();
    await page.goto('/write?status=scheduled');
    await page.getByRole('link', { name: 'Later' }).click();
    await page.getByRole('button', { name: 'Do not publish' }).click();
    await page.getByRole('button', { name: 'Schedule' }).waitFor();
    assert.equal((await api(site, ada, 'GET', '/posts/later')).body.status, 'draft');
    await page.locator('#body').fill('Second words.\n');
    await state(page, 'Saved.');
    await page.getByRole('button', { name: 'Versions' }).click();
    await heading(page, 'Versions of Later');
    await page.getByRole('button', { name: 'Compare version 1 with now' }).click();
    await page.locator('del').filter({ hasText: 'First' }).waitFor();
    await page.locator('ins').filter({ hasText: 'Second' }).waitFor();
    await look(page, 'versions');
    await page.getByRole('button', { name: 'Restore version 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
    await heading(page, 'Edit the post');
    assert.equal(await page.locator('#body').inputValue(), 'First words.\n');
    await page.getByRole('button', { name: 'Link to this draft' }).click();
    await page.getByLabel(/can read the post until/).waitFor();
    await look(page, 'link');
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Move to the trash' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Move to the trash' }).click();
    await page.getByRole('button', { name: 'Restore' }).waitFor();
    await look(page, 'trash');
    await page.getByRole('button', { name: 'Restore' }).click();
    await heading(page, 'Edit the post');
    assert.equal(await page.locator('#body').inputValue(), 'First words.\n');
    return [context];
  },

  async 'people read, react and comment, and an editor decides'() {
    const site = await blog('--parameter', 'HoldComments=first', '--admin-email', 'chief@example.com');
    const chief = await signedIn(site, 'chief');
    const ada = await signedIn(site, 'ada');
    const post = await api(site, await token(site, 'chief'), 'POST', '/posts', { title: 'For all', slug: 'for-all', body: '# Whole\n\n## Part\n\nText with `code`.\n\n- [x] Written\n- [ ] Read\n', tags: ['parts'], status: 'published' });
    assert.equal(post.status, 201);
    // Whoever has no account yet gets back to what they wanted to read.
    const late = await somebody(site);
    const guest = await late.newPage();
    await guest.goto('/write/read/for-all');
    await heading(guest, 'Log in');
    await guest.getByRole('main').getByRole('link', { name: 'Register' }).click();
    await guest.getByRole('link', { name: 'I have an account' }).click();
    await guest.getByRole('navigation').getByRole('link', { name: 'Register' }).click();
    await heading(guest, 'Register');
    await sendRegistration(guest, 'late');
    await heading(guest, 'For all');

    await ada.page.goto('/write/read/for-all');
    await heading(ada.page, 'For all');
    await ada.page.getByRole('heading', { level: 2, name: 'Whole' }).waitFor();
    await ada.page.getByRole('checkbox', { name: 'Done', disabled: true }).waitFor();
    await ada.page.getByRole('button', { name: 'Like' }).click();
    await ada.page.getByText(/Like: 1/).waitFor();
    await ada.page.getByRole('button', { name: 'Add to your reading list' }).click();
    // A comment that is not sent yet outlives the page.
    await ada.page.getByLabel('Your comment').last().fill('Well *said*.');
    await ada.page.reload();
    await heading(ada.page, 'For all');
    assert.equal(await ada.page.getByRole('textbox', { name: 'Your comment' }).inputValue(), 'Well *said*.');
    await ada.page.getByRole('button', { name: 'Comment', exact: true }).click();
    await ada.page.getByText('waits for an editor').first().waitFor();
    await look(ada.page, 'read');
    await ada.page.getByRole('link', { name: 'Bookmarks' }).click();
    await ada.page.getByRole('link', { name: 'For all' }).waitFor();
    await look(ada.page, 'bookmarks');
    // Whom and what one follows is known, and comes to the feed.
    await ada.page.getByRole('link', { name: 'For all' }).click();
    await heading(ada.page, 'For all');
    for (const name of ['Follow chief', 'Follow the tag parts', 'Repost']) await ada.page.getByRole('button', { name, exact: true }).click();
    await ada.page.getByRole('button', { name: 'Undo the repost' }).waitFor();
    await ada.page.reload();
    for (const name of ['Unfollow chief', 'Unfollow the tag parts', 'Undo the repost', 'Remove from your reading list']) await ada.page.getByRole('button', { name, exact: true }).waitFor();
    await until(async () => (await api(site, await token(site, 'ada'), 'GET', '/me/feed')).body.items.length > 0, 'the feed');
    await ada.page.getByRole('link', { name: 'Feed' }).click();
    await heading(ada.page, 'Your feed');
    await ada.page.getByText('Reposted by ada').waitFor();
    await ada.page.getByRole('link', { name: 'For all' }).first().waitFor();
    await look(ada.page, 'feed');
    await ada.page.goto('/write/moderation');
    await heading(ada.page, 'Not allowed');

    await chief.page.getByRole('link', { name: 'Moderation' }).click();
    await chief.page.getByRole('button', { name: 'Approve the comment by ada' }).waitFor();
    await look(chief.page, 'moderation');
    await chief.page.getByRole('button', { name: 'Approve the comment by ada' }).click();
    await chief.page.getByText('Approved: everybody may see it.').first().waitFor();
    // A thread of five levels: all but the last can be answered.
    let parent = (await api(site, null, 'GET', '/posts/for-all/comments')).body.items[0].id;
    for (let depth = 2; depth <= 5; depth++) {
      const { status, body } = await api(site, await token(site, 'ada'), 'POST', '/posts/for-all/comments', { body: `Level ${depth}.`, parent_id: parent });
      assert.equal(status, 201);
      parent = body.id;
    }
    await ada.page.goto('/write/read/for-all');
    await ada.page.getByText('Level 5.').waitFor();
    assert.equal(await ada.page.getByRole('button', { name: 'Answer ada' }).count(), 4);
    await look(ada.page, 'thread');
    await until(async () => (await api(site, await token(site, 'chief'), 'GET', '/me/notifications')).body.items.length > 0, 'a notification');
    await chief.page.getByRole('link', { name: 'Notifications' }).click();
    await chief.page.getByText(/unread/).waitFor();
    await look(chief.page, 'notifications');
    await chief.page.getByRole('button', { name: 'Mark all as read' }).click();
    await chief.page.getByText('You have read all of them.').waitFor();
    await chief.page.getByRole('link', { name: 'Users' }).click();
    await chief.page.getByLabel('Role of ada', { exact: true }).selectOption('editor');
    await chief.page.getByRole('button', { name: 'Set the role of ada' }).click();
    await chief.page.getByText('ada is editor now.').waitFor();
    await chief.page.getByRole('button', { name: 'Invite' }).click();
    await chief.page.getByText('Hand this address on').waitFor();
    await look(chief.page, 'users');
    await chief.page.getByRole('button', { name: 'Suspend ada' }).click();
    await chief.page.getByLabel('Reason').fill('A trial.');
    await chief.page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
    await chief.page.getByRole('button', { name: 'Reinstate ada' }).waitFor();
    await chief.page.goto('/write/profile');
    await heading(chief.page, 'Your profile');
    await look(chief.page, 'profile');
    await chief.page.getByLabel('About you').fill('I *edit*.');
    await chief.page.getByRole('button', { name: 'Save', exact: true }).click();
    await chief.page.getByText('Your profile is saved.').waitFor();
    // What was changed elsewhere meanwhile stays; what was changed at both places is shown first.
    const elsewhere = async (change) => assert.equal((await api(site, await token(site, 'chief'), 'PATCH', '/me', change, { 'if-match': '*' })).status, 200);
    const save = chief.page.getByRole('button', { name: 'Save', exact: true });
    await elsewhere({ website_url: 'https://example.com/', bio: 'By another tab.' });
    await chief.page.getByLabel('About you').fill('I edit, and more.');
    await save.click();
    await chief.page.getByRole('alert').filter({ hasText: 'By another tab.' }).waitFor();
    await save.click();
    await until(async () => (await api(site, await token(site, 'chief'), 'GET', '/me')).body.bio === 'I edit, and more.', 'the profile is saved');
    assert.equal((await api(site, await token(site, 'chief'), 'GET', '/me')).body.website_url, 'https://example.com/');
    return [ada.context, chief.context, late];
  },

  async 'a forgotten password is replaced, and no token is where a script could find it later'() {
    const site = await blog();
    const { context, page } = await signedIn(site, 'ada');
    const [cookie] = (await context.cookies(`${site.url}/v1/sessions/refresh`));
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Strict', '/v1/sessions']);
    assert.deepEqual(await context.cookies(`${site.url}/v1/posts`), [], 'it goes to the sessions only');
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    assert.doesNotMatch(kept, /eyJ|~/, 'no token is in a storage');
    // Nothing that gets into the page runs, and nothing of elsewhere is loaded.
    const policy = (await page.goto('/write')).headers()['content-security-policy'];
    assert.doesNotMatch(policy, /unsafe|\*/);
    await heading(page, 'Your posts');
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script');
      const refused = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => refused.push(effectiveDirective));
      try { script.textContent = 'window.ran = true'; } catch { refused.push('trusted-types'); }
      document.body.append(script);
      document.body.insertAdjacentElement('beforeend', Object.assign(document.createElement('img'), { src: 'https://evil.example/x.png' }));
      await fetch('https://evil.example/').catch(() => {});
      await new Promise((done) => setTimeout(done, 300));
      return [window.ran, refused.sort()];
    });
    assert.equal(ran[0], undefined);
    for (const directive of ['connect-src', 'img-src', 'require-trusted-types-for']) assert.ok(ran[1].some((one) => one.startsWith(directive)), `${directive}: ${ran[1]}`);
    context.wrong.length = 0;
    // The page is loaded anew, and goes on by the cookie.
    await page.reload();
    await heading(page, 'Your posts');
    await page.getByRole('button', { name: 'Log out' }).click();
    await heading(page, 'Log in');
    assert.deepEqual(await context.cookies(`${site.url}/v1/sessions/refresh`), []);
    await page.getByRole('link', { name: 'I forgot my password' }).click();
    await look(page, 'forgot');
    await page.getByLabel('E-mail address').fill('ada@example.com');
    await page.getByRole('button', { name: 'Send me a code' }).click();
    await heading(page, 'Choose a new password');
    await look(page, 'reset');
    await page.getByLabel('Code').fill(await code(site));
    await page.getByLabel('New password').fill('staple battery horse');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await heading(page, 'Your posts');
    return [context];
  },

  async 'somebody writes and reads on a phone in the same network'() {
    const site = await blog();
    site.url = site.url.replace('localhost', OTHER_HOST);
    const context = await somebody(site, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    const page = await context.newPage();
    await page.goto('/');
    await page.getByRole('link', { name: 'Register' }).tap();
    await heading(page, 'Register');
    assert.equal(await page.evaluate(() => isSecureContext), false);
    await page.getByLabel('Username').fill('ada');
    await page.getByLabel('E-mail address').fill('ada@example.com');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Register' }).tap();
    await heading(page, 'Your posts');
    await page.getByRole('link', { name: 'Write a new post' }).tap();
    await page.locator('#title').fill('From a phone');
    await page.locator('#body').fill('On the way.\n');
    await page.locator('input[type=file]').setInputFiles({ name: 'way.png', mimeType: 'image/png', buffer: png(900, 300) });
    await page.getByLabel('What does it show?').fill('The way');
    await page.getByRole('button', { name: 'Add the picture' }).tap();
    await until(async () => (await page.locator('#body').inputValue()).includes('![The way](/media/'), 'the picture is in the text');
    await page.getByRole('button', { name: 'Preview' }).tap();
    await until(() => page.locator('.preview').evaluate((preview) => preview.getBoundingClientRect().top < innerHeight), 'the preview is on the screen');
    await page.getByRole('button', { name: 'Publish' }).tap();
    await state(page, 'Published as you see it.');
    await page.getByRole('link', { name: 'View on the blog' }).tap();
    await heading(page, 'From a phone');
    const shown = page.getByAltText('The way');
    await until(() => shown.evaluate((image) => image.complete && image.naturalWidth > 0), 'readers see the picture');
    const { left, right } = await shown.evaluate((image) => image.getBoundingClientRect());
    assert.ok(left >= 0 && right <= 390, `the picture is within the screen: ${left} to ${right}`);
    return [context];
  },

  async 'all of it goes by the keyboard, in a narrow window'() {
    const site = await blog();
    const context = await somebody(site, { viewport: NARROW });
    const page = await context.newPage();
    await page.goto('/write/register');
    await heading(page, 'Register');
    /** Tabs to what has this name, and says that the focus can be seen. */
    const to = async (name) => {
      for (let presses = 0; presses < 60; presses++) {
        const here = await page.evaluate(() => {
          const element = document.activeElement;
          const label = element?.labels?.[0]?.textContent ?? element?.getAttribute('aria-label') ?? element?.textContent ?? '';
          return { label: label.trim(), outline: element === document.body ? '' : getComputedStyle(element).outlineStyle };
        });
        if (here.label.startsWith(name)) return assert.notEqual(here.outline, 'none', `${name} shows its focus`);
        await page.keyboard.press('Tab');
      }
      assert.fail(`no Tab leads to ${name}`);
    };
    await to('Username');
    await page.keyboard.type('keys');
    await to('E-mail address');
    await page.keyboard.type('keys@example.com');
    await to('Password');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await heading(page, 'Your posts');
    await to('Write a new post');
    await page.keyboard.press('Enter');
    await heading(page, 'Write a post');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'title', 'one can type at once');
    await page.keyboard.type('By keys');
    await to('Text');
    await page.keyboard.type('No mouse.');
    await to('Tags');
    await page.keyboard.type('keys,');
    await page.locator('.tags li').filter({ hasText: 'keys' }).waitFor();
    await page.keyboard.press('Backspace');
    await page.locator('.tags li').waitFor({ state: 'detached' });
    await page.keyboard.type('mouse');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+s');
    await state(page, 'Saved.');
    await to('Schedule');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.match(await page.evaluate(() => document.activeElement.textContent), /Schedule/, 'the focus is back');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await to('Publish');
    await page.keyboard.press('Enter');
    await state(page, 'Published as you see it.');
    assert.equal((await api(site, null, 'GET', '/posts/by-keys')).body.tags.join(), 'mouse');
    return [context];
  },

  async 'a tag that is just typed is one, and what is pressed meanwhile stays under the pointer'() {
    const site = await blog('--parameter', 'RequestsPerMinute=0');
    const { context, page } = await signedIn(site, 'ada');
    const tags = page.getByRole('combobox', { name: 'Tags' });
    const shown = () => page.locator('.tags li').evaluateAll((items) => items.map((item) => item.firstChild.textContent));
    // Presses as a hand does, with a while between down and up; no script looks again where the button is by then.
    const press = async (button, move) => {
      await button.scrollIntoViewIfNeeded();
      const { x, y, width, height } = await button.boundingBox();
      await page.mouse.move(x + width / 2, y + height / 2);
      await page.mouse.down();
      await new Promise((done) => setTimeout(done, 100));
      await move?.();
      await page.mouse.up();
    };
    const write = async (title) => {
      await page.goto('/write/new');
      await heading(page, 'Write a post');
      await page.getByLabel('Title', { exact: true }).fill(title);
      await page.getByLabel('Text', { exact: true }).fill('Text.\n');
      await state(page, 'Saved.');
    };
    const publish = page.getByRole('button', { name: 'Publish' });
    await write('Mouse');
    await tags.pressSequentially('rust');
    await press(publish);
    await state(page, 'Published as you see it.');
    assert.deepEqual((await api(site, null, 'GET', '/posts/mouse')).body.tags, ['rust'], 'with the tag');
    // So it is when the list gets a line more, and when what is typed is no tag, which is said in a line of its own.
    await write('Lines');
    await tags.fill(`${Array.from({ length: 8 }, (_, i) => `a-rather-long-tag-of-forty-characters-${i}`)},`);
    await tags.pressSequentially('last');
    await press(publish);
    await state(page, 'Published as you see it.');
    assert.equal((await api(site, null, 'GET', '/posts/lines')).body.tags.length, 9);
    await write('None');
    await tags.pressSequentially('?!');
    await press(publish);
    await state(page, 'Published as you see it.');
    await page.getByText('A tag needs a letter or a digit.').waitFor();
    // A press that ends elsewhere is no click, and leaves the field all the same; so do the keys, after a press that ended nowhere.
    await write('Elsewhere');
    await tags.pressSequentially('one');
    await press(publish, () => page.mouse.move(5, 5));
    await until(async () => `${await shown()}` === 'one', 'the tag is added');
    await tags.pressSequentially('two');
    await page.keyboard.press('Tab');
    await until(async () => `${await shown()}` === 'one,two', 'the tag is added');
    assert.equal((await api(site, await token(site, 'ada'), 'GET', '/posts/elsewhere')).body.status, 'draft');

    // Commas part what is pasted, and what keyboards say nothing of but the text.
    await page.goto('/write/new');
    await heading(page, 'Write a post');
    await tags.focus();
    await page.keyboard.insertText('C++, Machine Learning');
    await until(async () => `${await shown()}` === 'C++', 'the first is added');
    assert.equal(await tags.inputValue(), 'Machine Learning');
    await page.keyboard.insertText(',');
    await until(async () => `${await shown()}` === 'C++,Machine Learning', 'both are added');
    await page.keyboard.insertText('?!, 海、');
    await until(async () => `${await shown()}` === 'C++,Machine Learning,海', 'what is a tag is added');
    await page.getByText('A tag needs a letter or a digit.').waitFor();
    assert.equal(await tags.inputValue(), '?!', 'what is no tag does not vanish');
    return [context];
  },

  async 'the editor is called as the site is'() {
    const site = await blog('--parameter', 'SiteTitle=Tea & <Ink>');
    const context = await somebody(site);
    const page = await context.newPage();
    await page.goto('/write');
    await heading(page, 'Log in');
    await page.getByRole('link', { name: 'Tea & <Ink>', exact: true }).waitFor();
    assert.equal(await page.title(), 'Log in · Tea & <Ink>');
    await page.getByRole('link', { name: 'Register' }).first().click();
    await heading(page, 'Register');
    assert.equal(await page.title(), 'Register · Tea & <Ink>');
    // Where the site does not say it, or cannot be reached, the editor works all the same.
    await page.route('**/search', (route) => route.abort());
    await page.goto('/write/log-in');
    await heading(page, 'Log in');
    assert.equal(await page.title(), 'Log in · Broadsheet');
    return [context];
  },
};

let failed = 0;
for (const [name, story] of Object.entries(stories).filter(([name]) => name.includes(options.only))) {
  const began = performance.now();
  try {
    const contexts = await story();
    for (const context of contexts) {
      assert.deepEqual(context.wrong, [], 'nothing goes wrong on a page');
      await context.close();
    }
    console.log(`ok      ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${error.stack}`);
    let number = 0;
    for (const context of browser.contexts()) for (const page of context.pages()) {
      if (options.screenshots) await page.screenshot({ path: join(options.screenshots, `failed-${number++}.png`) }).catch(() => {});
      console.log(page.url(), context.wrong ?? '', (await page.locator('main, dialog[open]').allInnerTexts().catch(() => [])).join('\n').slice(0, 1500));
      await context.close();
    }
  }
  for (const program of programs) program.removeAllListeners('exit').kill();
  programs.clear();
}
await browser.close();
console.log(`${looked} times axe looked at a view.`);
process.exit(failed ? 1 : 0);
