// The page around the views: what is shown at which address, and what surrounds it.

import { Offline } from './api.js';
import { announce, button, h, message, parsed } from './dom.js';
import { address, match, onward, ROOT } from './router.js';
import * as session from './session.js';
import * as account from './account.js';
import { edit } from './editor.js';
import { moderation, users } from './moderation.js';
import { notifications } from './notifications.js';
import { posts } from './posts.js';
import { profile } from './profile.js';
import { bookmarks, feed, read } from './reading.js';
import { revisions } from './revisions.js';

/**
 * What a view is given.
 * @typedef {{ params: Record<string, string>, query: URLSearchParams }} Context
 * What it gives: its title, its content, and what to do before it goes away; that may say false to stay.
 * @typedef {{ title: string, content: Node, leave?: () => Promise<boolean> }} View
 */

/** @type {Record<string, (context: Context) => View | Promise<View>>} */
const VIEWS = {
  posts, new: edit, edit, revisions, read, feed, bookmarks, notifications, profile, moderation, users,
  'log-in': account.logIn, register: account.register, confirm: account.confirm, forgot: account.forgot, reset: account.reset,
};

const main = /** @type {HTMLElement} */ (document.querySelector('main'));
/** It has the name of the site. */
const brand = /** @type {HTMLElement} */ (document.querySelector('.brand'));
const navigation = /** @type {HTMLElement} */ (document.getElementById('navigation'));
/** @type {View | null} */
let shown = null;
/** Its address. */
let here = '';
/** What is being shown; an older one that comes late is not shown any more. */
let turn = 0;

/**
 * Goes to an address of the editor.
 * @param {string} to
 * @param {{ replace?: boolean }} [settings]
 */
export async function go(to, { replace = false } = {}) {
  if (!(await leave())) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  await show();
}

/**
 * What is shown has another address now.
 * @param {string} to
 */
export function rename(to) {
  history.replaceState(null, '', to);
  here = to;
}

/** Says whether what is shown may go away. It is left once. */
async function leave() {
  const view = shown;
  if ((await view?.leave?.()) === false) return false;
  if (shown === view) shown = null;
  return true;
}

/** The browser has gone to another address. */
async function moved() {
  // To another place of the same view.
  if (location.pathname + location.search === here) return;
  if (await leave()) await show();
  else history.pushState(null, '', here);
}

async function show() {
  const mine = ++turn;
  here = location.pathname + location.search;
  const found = match(location.pathname);
  const query = new URLSearchParams(location.search);
  if (found && !found.route.open && !session.user()) {
    // Whoever logs in gets where they wanted to go.
    return go(address('log-in', {}, { to: location.pathname + location.search }), { replace: true });
  }
  if (found?.route.open && session.user() && found.route.name === 'log-in') return go(ROOT, { replace: true });
  /** @type {View} */
  let view;
  try {
    if (!found) view = { title: 'Not found', content: h('p', {}, 'There is nothing here. ', h('a', { href: ROOT }, 'To your posts.')) };
    else if (found.route.role && !session.may(found.route.role)) view = { title: 'Not allowed', content: h('p', {}, `This is for ${found.route.role}s.`) };
    else view = await VIEWS[found.route.name]({ params: found.params, query });
  } catch (error) {
    view = { title: error instanceof Offline ? 'No connection' : 'This did not work', content: h('div', {}, h('p', { class: 'error' }, message(error)), button('Try again', show)) };
  }
  if (mine !== turn) return void view.leave?.();
  shown = view;
  showTitle();
  const heading = h('h1', { tabindex: -1, dir: 'auto' }, view.title);
  main.replaceChildren(heading, view.content);
  showNavigation();
  if (!main.querySelector('[autofocus]')) heading.focus({ preventScroll: true });
  else /** @type {HTMLElement} */ (main.querySelector('[autofocus]')).focus();
  scrollTo(0, 0);
}

function showTitle() {
  if (shown) document.title = `${shown.title} · ${brand.textContent}`;
}

/** Calls the editor what the pages of the site call it (`SiteTitle`). The page that searches is one that reads nothing for that. */
async function learnTitle() {
  const page = parsed(await (await fetch('/search')).text());
  const name = page.querySelector('meta[property="og:site_name"]')?.getAttribute('content');
  if (name) brand.textContent = name;
  showTitle();
}

function showNavigation() {
  const me = session.user();
  const here = location.pathname;
  const link = (/** @type {string} */ text, /** @type {string} */ to) =>
    h('li', {}, h('a', { href: to, 'aria-current': here === to.split('?')[0] ? 'page' : null }, text));
  navigation.replaceChildren(
    h('ul', {},
      ...(me
        ? [
            link('Posts', ROOT),
            session.may('author') && link('New post', address('new')),
            link('Feed', address('feed')),
            link('Bookmarks', address('bookmarks')),
            link('Notifications', address('notifications')),
            session.may('editor') && link('Moderation', address('moderation')),
            session.may('admin') && link('Users', address('users')),
            link('Profile', address('profile')),
            h('li', {}, button('Log out', logOut, { class: 'link' })),
          ].filter((item) => item !== false)
        : [link('Log in', address('log-in', {}, onward())), link('Register', address('register', {}, onward()))])),
  );
}

async function logOut() {
  if (!(await leave())) return;
  try {
    await session.logOut();
  } catch (error) {
    // What was left goes on.
    await show();
    throw error;
  }
  announce('You are logged out.');
  await go(address('log-in'));
}

document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.origin !== location.origin || !match(link.pathname) || link.target || link.hash) return;
  event.preventDefault();
  void go(link.pathname + link.search);
});
addEventListener('popstate', () => void moved());
session.onChange(showNavigation);

async function start() {
  try {
    await session.restore();
  } catch (error) {
    main.replaceChildren(h('h1', {}, 'No connection'), h('p', {}, message(error), ' What you have typed is kept on this device.'), button('Try again', start));
    addEventListener('online', () => void start(), { once: true });
    return;
  }
  await show();
}

// Without it, it is called what index.html says.
learnTitle().catch(() => {});
void start();
