// Which view an address shows. No DOM, no network.

/** Where the editor is. */
export const ROOT = '/write';

/**
 * A view: the name of its route, and whether nobody has to be signed in for it.
 * @typedef {{ name: string, path: string, open?: boolean, role?: 'editor' | 'admin' }} Route
 */

/** @type {Route[]} */
export const ROUTES = [
  { name: 'posts', path: '/' },
  { name: 'new', path: '/new' },
  { name: 'edit', path: '/posts/:slug' },
  { name: 'revisions', path: '/posts/:slug/revisions' },
  { name: 'read', path: '/read/:slug' },
  { name: 'feed', path: '/feed' },
  { name: 'bookmarks', path: '/bookmarks' },
  { name: 'notifications', path: '/notifications' },
  { name: 'profile', path: '/profile' },
  { name: 'moderation', path: '/moderation', role: 'editor' },
  { name: 'users', path: '/users', role: 'admin' },
  { name: 'log-in', path: '/log-in', open: true },
  { name: 'register', path: '/register', open: true },
  { name: 'confirm', path: '/confirm', open: true },
  { name: 'forgot', path: '/forgot', open: true },
  { name: 'reset', path: '/reset', open: true },
];

/**
 * The route of a path below the root, with its parameters; null if there is none.
 * @param {string} pathname
 * @returns {{ route: Route, params: Record<string, string> } | null}
 */
export function match(pathname) {
  if (pathname !== ROOT && !pathname.startsWith(`${ROOT}/`)) return null;
  const given = pathname.slice(ROOT.length).split('/').filter(Boolean);
  for (const route of ROUTES) {
    const wanted = route.path.split('/').filter(Boolean);
    if (wanted.length !== given.length) continue;
    /** @type {Record<string, string>} */
    const params = {};
    const fits = wanted.every((segment, i) => {
      if (!segment.startsWith(':')) return segment === given[i];
      try {
        params[segment.slice(1)] = decodeURIComponent(given[i]);
        return true;
      } catch {
        return false;
      }
    });
    if (fits) return { route, params };
  }
  return null;
}

/** The part of a query that says where somebody wanted to go before they were asked to log in. It goes along from view to view. */
export function onward() {
  const to = new URLSearchParams(location.search).get('to');
  return to ? { to } : undefined;
}

/**
 * The address of a view.
 * @param {string} name
 * @param {Record<string, string>} [params]
 * @param {Record<string, string>} [query]
 */
export function address(name, params = {}, query = {}) {
  const path = ROUTES.find((route) => route.name === name)?.path ?? '/';
  const filled = path.replace(/:(\w+)/g, (_, key) => encodeURIComponent(params[key] ?? ''));
  const search = new URLSearchParams(query).toString();
  return (ROOT + filled).replace(/\/$/, '') + (search && `?${search}`);
}
