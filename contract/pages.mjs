// Opens every kind of page of Broadsheet in a browser, as readers do: light and dark, on a phone and on a screen, with the keyboard only.
//
// usage: node contract/pages.mjs --modules FOLDER [--broadsheet PATH] [--chromium PATH] [--screenshots FOLDER] [--picture FILE]
//
// FOLDER is where `npm install playwright-core axe-core html-validate` was run. It starts the program with nothing in it, looks at the
// first page, publishes the example posts and some of the oddest that the API takes, and checks of each page that
//   - its HTML is valid (html-validate) and runs no script,
//   - axe-core finds nothing that WCAG 2.2 AA forbids, in the light and in the dark,
//   - nothing is wider than 320 pixels on a screen that is, and the browser complains of nothing,
//   - what the keyboard reaches shows that it has the focus.
// It also runs the function that CloudFront runs (infrastructure/cdn.yaml) and compares where it leads with where the program does.
// With --picture it only makes the picture of the README.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { values: options } = parseArgs({
  options: {
    modules: { type: 'string' },
    broadsheet: { type: 'string', default: join(ROOT, 'target/debug/broadsheet') },
    chromium: { type: 'string' },
    screenshots: { type: 'string' },
    picture: { type: 'string' },
  },
});
if (!options.modules) {
  console.error('pages.mjs: say --modules FOLDER, where playwright-core, axe-core and html-validate are installed');
  process.exit(2);
}
const load = createRequire(resolve(options.modules, 'package.json'));
const { chromium } = load('playwright-core');
const { HtmlValidate, StaticConfigLoader } = load('html-validate');
const axe = load('axe-core');

const PASSWORD = randomBytes(18).toString('base64url');
const problems = [];
const problem = (where, what) => problems.push(`${where}: ${what}`);

// ------------------------------------------------------------------ a blog

/** The program, with nothing in it; ends with this process. */
async function start(...parameters) {
  const given = parameters.flatMap((parameter) => ['--parameter', parameter]);
  const child = spawn(options.broadsheet, ['--memory', '--port', '0', '--parameter', 'RequestsPerMinute=0', ...given], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
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
  return { api, site: api.replace(/\/v1$/, ''), child };
}

async function call({ api }, method, path, body, token) {
  const headers = { 'content-type': 'application/json', 'if-match': '*' };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

async function register(blog, username, profile = {}) {
  const email = username === 'chief' ? 'admin@example.com' : `${username}@example.com`;
  await call(blog, 'POST', '/users', { username, email, password: PASSWORD });
  if (username === 'chief') {
    // Whoever is to be the administrator shows that the address is theirs.
    const mails = await (await fetch(`${blog.site}/_local/emails`)).json();
    const { code } = (mails.items ?? mails).find((mail) => mail.to === email);
    await call(blog, 'POST', '/users/confirm', { email, code });
  }
  const { access_token: token } = await call(blog, 'POST', '/sessions', { login: username, password: PASSWORD });
  if (Object.keys(profile).length) await call(blog, 'PATCH', '/me', profile, token);
  return token;
}

const ODD = {
  title: '</title><script>alert(1)</script> & "quotes" — עברית العربية 日本語 a-very-long-word-that-nothing-breaks-of-its-own-accord-'.slice(0, 150),
  tags: ['odd', 'R&D', '日本', 'w'.repeat(40)],
  language: 'he',
  body: [
    '# Heading\n\n## Heading\n\n- [ ] to do\n- [x] done\n\n' +
      `| ${'wide | '.repeat(20)}\n|${'---|:-:|--:|:--|'.repeat(5)}\n| ${'cell | '.repeat(20)}\n`,
    '> A quotation with `code` and a [link](https://example.com/).\n\nשלום עולם. A note[^1] and a note[^2].',
    '```rust\n// A comment that goes on for so long that no screen of a phone has the width for it, whatever the font may be.\n' +
      'pub fn main() -> Result<(), Error> { let answer: u64 = 42; println!("{answer}"); Ok(()) }\n```',
    '```diff\n-old\n+new\n```\n\n<img src="/none.png"> ![described](/none.jpg)\n\n<details><summary>More</summary>Text</details>',
    `${'unbreakable'.repeat(40)}\n\n[^1]: One.\n[^2]: Two.`,
  ].join('\n\n'),
};

/** Publishes the examples, and what makes pages show all that they can. Gives the paths of pages. */
async function fill(blog) {
  const examples = await register(blog, 'examples', {
    display_name: 'Ada Lovelace',
    bio: 'Writes about engines.\n\nAnd about what they cannot do.',
    website_url: 'https://example.com/',
  });
  seed(blog);
  const [chief, bob] = [await register(blog, 'chief'), await register(blog, 'bob', { display_name: `بوب <b>Bob</b>${'W'.repeat(60)}` })];
  const slug = (await call(blog, 'GET', '/posts?limit=1')).items[0].slug;
  const { slug: odd } = await call(blog, 'POST', '/posts', { ...ODD, status: 'published' }, bob);
  await call(blog, 'POST', '/posts', { body: 'A note without a title.', tags: ['odd'], status: 'published' }, bob);
  const { slug: quote } = await call(blog, 'POST', '/posts', { title: 'A quote', body: 'So.', quote_of: odd, status: 'published' }, bob);
  await call(blog, 'POST', '/posts', { title: 'An answer', body: 'Indeed.', reply_to: odd, status: 'published' }, examples);
  await call(blog, 'PUT', `/posts/${slug}/repost`, undefined, bob);
  await call(blog, 'PUT', `/posts/${odd}/reaction`, { kind: 'love' }, examples);
  await call(blog, 'PUT', `/posts/${slug}/pin`, undefined, chief);
  let parent = null;
  for (let depth = 0; depth < 5; depth += 1) {
    const comment = await call(blog, 'POST', `/posts/${odd}/comments`, { body: `# Heading\n\n${ODD.body}`, parent_id: parent }, depth % 2 ? bob : examples);
    parent = comment.id;
  }
  const first = await call(blog, 'POST', `/posts/${odd}/comments`, { body: 'To be deleted.' }, bob);
  await call(blog, 'POST', `/posts/${odd}/comments`, { body: 'It stays.', parent_id: first.id }, examples);
  await call(blog, 'DELETE', `/posts/${odd}/comments/${first.id}`, undefined, bob);
  for (let number = 0; number < 22; number += 1) {
    const post = { title: `Number ${number}`, body: 'Text.', tags: ['many', `tag-${number}`], status: 'published' };
    await call(blog, 'POST', '/posts', post, examples);
  }
  const { slug: draft } = await call(blog, 'POST', '/posts', { ...ODD, title: 'A draft' }, bob);
  const { url } = await call(blog, 'POST', `/posts/${draft}/preview`, {}, bob);
  // The counts of cards and the index follow from the stream.
  await new Promise((done) => setTimeout(done, 2500));
  const home = await (await fetch(`${blog.site}/`)).text();
  const older = /<link rel="next" href="([^"]+)">/.exec(home)[1].replaceAll('&#38;', '&');
  const posts = (await call(blog, 'GET', '/posts?author=examples&kind=article&limit=100')).items.map((card) => card.slug);
  const shown = posts.filter((name) => !name.startsWith('number-'));
  return [
    ['/', 200], [older, 200], [`/posts/${odd}`, 200], [`/posts/${quote}`, 200], [`/posts/an-answer`, 200],
    ['/posts/number-0', 200], ...shown.map((name) => [`/posts/${name}`, 200]), [`/posts/${draft}${new URL(url).search}`, 200],
    ['/users/examples', 200], ['/users/bob', 200], ['/users/chief', 200], ['/tags', 200], ['/tags/odd', 200], ['/tags/none', 200],
    ['/search', 200], ['/search?q=engine', 200], [`/search?q=${encodeURIComponent('<script> "quotes"')}`, 200],
    ['/none', 404], ['/posts/none', 404], ['/?cursor=forged', 400], ['/?cursor=a&cursor=b', 422],
  ];
}

function seed(blog) {
  const run = ['seed', join(ROOT, 'examples/posts'), '--as', 'examples', '--url', blog.api];
  const seeded = spawnSync(options.broadsheet, run, { env: { ...process.env, BROADSHEET_PASSWORD: PASSWORD }, encoding: 'utf8' });
  if (seeded.status !== 0) throw new Error(seeded.stdout + seeded.stderr);
}

// ------------------------------------------------------------------ what is checked

// What authors write is theirs: html-validate has opinions that the sanitiser does not enforce.
const validator = new HtmlValidate(
  new StaticConfigLoader({
    extends: ['html-validate:standard', 'html-validate:document'],
    rules: {
      'no-inline-style': 'error',
      'no-implicit-button-type': 'error',
      'require-csp-nonce': 'off', // there is no script
      'require-sri': 'off', // the stylesheet is ours
      'svg-focusable': 'off',
      'long-title': 'off',
    },
  }),
);

async function validate(path, text) {
  const report = await validator.validateString(text, path);
  for (const result of report.results) {
    for (const { ruleId, message, line, selector } of result.messages) {
      problem(`${path}:${line}`, `${ruleId}: ${message} (${selector})`);
    }
  }
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

async function look(page, where) {
  const { violations } = await page.evaluate(
    ([source, rules]) => {
      // Not a script of the page: the browser is told to run it, past the page's policy.
      if (!window.axe) (0, eval)(source);
      return window.axe.run(document, { runOnly: rules, resultTypes: ['violations'] });
    },
    [axe.source, RULES],
  );
  for (const { id, help, nodes } of violations) {
    problem(where, `axe ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
  }
  // Words of authors have `dir="auto"`. What else stands on a page is English, whatever the language of the page is (WCAG 3.1.2).
  const foreign = await page.evaluate(() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.trim();
      const around = walker.currentNode.parentElement;
      if (!/\p{L}{2}/u.test(text) || /^(#|https?:)/.test(text) || around.closest('[dir=auto], a[rel=tag]')) continue;
      if (around.closest('[lang]').lang !== 'en') found.push(text);
    }
    return found;
  });
  if (foreign.length) problem(where, `not marked as English: ${foreign.slice(0, 5).join(' | ')}`);
  // A table is as its author aligned it.
  const aligned = await page.evaluate(() =>
    [...document.querySelectorAll('.text :is([class^=align-], [align])')].filter((it) => `align-${getComputedStyle(it).textAlign}` !== it.className).map((it) => it.outerHTML));
  if (aligned.length) problem(where, `not aligned: ${aligned.slice(0, 3).join(' | ')}`);
  const wide = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return null;
    const wider = [...document.querySelectorAll('main *')].filter((it) => it.getBoundingClientRect().right > clientWidth + 1);
    return `${scrollWidth} pixels wide: ${wider.slice(0, 3).map((it) => it.outerHTML.slice(0, 100)).join(' | ')}`;
  });
  if (wide) problem(where, wide);
}

/** The first thing that the Tab key reaches leads to the text, and all that it can reach shows that it has the focus. */
async function tab(page, where) {
  await page.keyboard.press('Tab');
  const skip = await page.evaluate(() => {
    const box = document.activeElement.getBoundingClientRect();
    return document.activeElement.getAttribute('href') === '#main' && box.width > 20 && box.height > 20;
  });
  if (!skip) problem(where, 'the keyboard does not begin at a link to the text that can be seen');
  // What had the focus by the keyboard hands on how it is shown.
  const hidden = await page.evaluate(() => {
    const all = [...document.querySelectorAll('a[href], button, input:not([disabled]), summary, [tabindex="0"]')];
    const reached = all.filter((it) => it.tabIndex >= 0);
    const shows = (it) => {
      it.focus();
      const style = getComputedStyle(it);
      return document.activeElement === it && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    };
    const hidden = reached.filter((it) => !shows(it)).map((it) => it.outerHTML.slice(0, 120));
    return reached.length < 5 ? [`only ${reached.length} places`] : hidden;
  });
  if (hidden.length) problem(where, `the focus cannot be seen: ${hidden.slice(0, 3).join(' | ')}`);
}

async function check(browser, blog, pages) {
  for (const [path, status] of pages) {
    const answer = await fetch(blog.site + path);
    const text = await answer.text();
    if (answer.status !== status) problem(path, `${answer.status} instead of ${status}`);
    await validate(path, text);
    if (/<script(?! type="application\/ld\+json")/.test(text)) problem(path, 'it has a script');
  }
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [320, 1280]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, deviceScaleFactor: 1 });
      const page = await context.newPage();
      let where = '';
      page.on('console', (message) => {
        // A picture that is not there is the author's, and a page that is not there is what was asked for.
        const expected = /Failed to load resource/.test(message.text());
        if (['error', 'warning'].includes(message.type()) && !expected) problem(where, `the browser says: ${message.text()}`);
      });
      page.on('pageerror', (error) => problem(where, `the browser says: ${error}`));
      page.on('request', (request) => {
        if (request.resourceType() === 'script') problem(where, `a script is asked for: ${request.url()}`);
        const { origin } = new URL(request.url());
        if (origin !== blog.site && !request.url().startsWith('data:') && request.resourceType() !== 'image') {
          problem(where, `${request.url()} is asked for`);
        }
      });
      // What an author shows of elsewhere is not there, and nobody waits for it.
      await page.route((url) => url.origin !== blog.site, (route) => route.abort());
      for (const [path] of pages) {
        where = `${path} (${colorScheme}, ${width})`;
        await page.goto(blog.site + path, { waitUntil: 'load' });
        await look(page, where);
        await tab(page, where);
        if (options.screenshots) {
          mkdirSync(options.screenshots, { recursive: true });
          const name = path.replace(/\?.*/, (query) => query.slice(0, 12)).replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 60);
          await page.screenshot({ path: join(options.screenshots, `${name || 'home'}-${colorScheme}-${width}.png`), fullPage: true });
        }
      }
      await context.close();
      console.log(`${pages.length} pages, ${colorScheme}, ${width} pixels wide`);
    }
  }
}

/** Readers come without a script: all links of the site lead somewhere. */
async function follow(blog) {
  const [seen, waiting] = [new Set(), ['/']];
  while (waiting.length && seen.size < 400) {
    const path = waiting.pop();
    if (seen.has(path)) continue;
    seen.add(path);
    const answer = await fetch(blog.site + path);
    if (!answer.ok) problem(path, `${answer.status}, and a page links to it`);
    if (!answer.headers.get('content-type').startsWith('text/html')) continue;
    for (const [, href] of (await answer.text()).matchAll(/<(?:a|link) [^>]*href="(\/[^"#]*)/g)) {
      const link = href.replaceAll('&#38;', '&');
      // The editor is not ours, and what is in a post is the author's.
      if (!link.startsWith('/write') && !/\.(png|jpg)$/.test(link)) waiting.push(link);
    }
  }
  console.log(`${seen.size} addresses followed`);
}

// ------------------------------------------------------------------ CloudFront

/** The function of cdn.yaml that leads from the site to the API. */
function siteFunction() {
  const template = readFileSync(join(ROOT, 'infrastructure/cdn.yaml'), 'utf8');
  const [, rest] = template.split('  SiteFunction:\n');
  const code = /FunctionCode: \|\n((?: {8}.*\n|\n)+)/.exec(rest)[1];
  return new Function(`${code}; return handler;`)();
}

async function compare(blog) {
  const handler = siteFunction();
  const paths = [
    '/', '/posts/number-0', '/posts/number-0/', '/tags/', '/tags/?cursor=a&x=%22', '/posts/a.b', '/feed.xml', '/users/examples/feed.json',
    '/tags/many/rss.xml', '/sitemap.xml', '/robots.txt', '/style.css?v=1', '/search?q=a%20b', '/none', '/a/b/c', '//evil.example/', '//evil/',
    '/a//', '/?utm_source=x', '/favicon.ico', '/pages', '/v12',
  ];
  for (const path of paths) {
    const [uri, search = ''] = path.split('?');
    const querystring = Object.fromEntries(
      search.split('&').filter(Boolean).map((pair) => [pair.split('=')[0], { value: pair.split('=')[1] }]),
    );
    const headers = { host: { value: 'blog.example.com' }, authorization: { value: 'x' }, 'x-viewer-address': { value: 'x' } };
    const result = handler({ request: { method: 'GET', uri, querystring, headers }, viewer: { ip: '203.0.113.7' } });
    const here = await raw(blog, path);
    if (result.statusCode) {
      const location = result.headers.location.value;
      if (here.status !== result.statusCode || here.location !== location) problem(path, `CloudFront: ${location}; here: ${here.status} ${here.location}`);
      continue;
    }
    if (headers.authorization || headers['x-viewer-address'].value !== '203.0.113.7') problem(path, 'CloudFront hands on who asks');
    const query = Object.entries(result.querystring).map(([name, { value }]) => `${name}=${value}`).join('&');
    const there = await raw(blog, `/v1${result.uri}${query && `?${query}`}`);
    const differs = here.status !== there.status || (here.status === 200 && here.text !== there.text);
    if (differs) problem(path, `CloudFront leads to ${result.uri}: ${there.status}; here: ${here.status}`);
  }
  console.log(`${paths.length} addresses compared with CloudFront's`);
}

/** Without what fetch does to an address. */
async function raw(blog, path) {
  const { request } = await import('node:http');
  const { hostname, port } = new URL(blog.site);
  return new Promise((done, failed) => {
    const asked = request({ hostname, port, path }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => done({ status: answer.statusCode, location: answer.headers.location, text }));
    });
    asked.on('error', failed);
    asked.end();
  });
}

// ------------------------------------------------------------------ all of it

function browserPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = names.map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
  if (!found) throw new Error(`none of ${names.join(', ')} is installed (Debian: apt-get install chromium)`);
  return found;
}

const browser = await chromium.launch({
  executablePath: options.chromium ?? process.env.CHROMIUM ?? browserPath(),
  // In a container there is nobody but root.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
if (options.picture) {
  const blog = await start('SiteTitle=The Broadsheet', 'SiteDescription=Notes on building and keeping a blog.');
  await register(blog, 'examples', { display_name: 'Ada Lovelace' });
  seed(blog);
  const page = await browser.newPage({ viewport: { width: 1100, height: 820 }, colorScheme: 'light' });
  await page.goto(blog.site);
  await page.screenshot({ path: options.picture });
} else {
  const empty = await start();
  await check(browser, empty, [['/', 200], ['/tags', 200]]);
  // What the editor begins with. Its views are looked at by editor.mjs.
  await validate('/write', await (await fetch(`${empty.site}/write`)).text());
  empty.child.kill();
  const blog = await start('SiteDescription=About <engines> & more', `SiteTitle=The blog of ${'W'.repeat(40)}`, `SiteFooter=Who is responsible: ${'W'.repeat(60)}`, 'SiteAccent=#ffd400', 'SiteLanguage=de');
  const pages = await fill(blog);
  await check(browser, blog, pages);
  await follow(blog);
  await compare(blog);
}
await browser.close();
for (const line of problems) console.log(`FAIL  ${line}`);
process.exit(problems.length ? 1 : 0);
