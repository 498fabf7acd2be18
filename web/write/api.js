// The calls of the API. The access token is here and nowhere else: in memory, in no storage (docs/adr/0040).

const BASE = '/v1';

/** An error that the API answered (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {Record<string, any>} body
   * @param {string | null} retryAfter
   */
  constructor(status, body, retryAfter) {
    super(body.detail ?? body.title ?? `The server answered ${status}.`);
    this.status = status;
    /** Such as `precondition-failed`. @type {string} */
    this.name = String(body.type ?? '').split(':').at(-1) ?? '';
    /** The fields that break a rule, and which. @type {{ pointer: string, detail: string }[]} */
    this.errors = body.errors ?? [];
    this.retryAfter = Number(retryAfter) || 0;
  }
}

/** No answer came: there is no network, or no server. */
export class Offline extends Error {
  constructor() {
    super('The server cannot be reached.');
  }
}

/** Nobody is signed in any more. */
export class SignedOut extends Error {
  constructor() {
    super('You are not logged in any more.');
  }
}

/**
 * @typedef {{ status: number, body: any, etag: string, date: string }} Answer
 * @typedef {{ body?: unknown, etag?: string, key?: string, signal?: AbortSignal }} Options
 */

let token = '';
/** Who the page is of: whoever signed in first. Empty while it is nobody's. */
let owner = '';
/** @type {Promise<void> | null} */
let refreshing = null;
/** Called when a session has ended. @type {() => void} */
let ended = () => {};
/** Called when somebody else has signed in. @type {() => void} */
let replaced = () => {};

/**
 * @param {{ ended: () => void, replaced: () => void }} listeners
 */
export function listen(listeners) {
  ({ ended, replaced } = listeners);
}

/**
 * Takes an access token. One of somebody else is not used: what is typed on the page, and saved later, is not theirs.
 * @param {string} given
 */
function take(given) {
  const { sub } = JSON.parse(atob(given.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
  if (owner !== '' && owner !== sub) {
    forget();
    replaced();
    throw new SignedOut();
  }
  [token, owner] = [given, sub];
}

/**
 * Logs in. The refresh token goes into a cookie that no script can read.
 * @param {string} login
 * @param {string} password
 */
export async function logIn(login, password) {
  const { body } = await send('POST', '/sessions', { body: { login, password, cookie: true } }, '');
  take(body.access_token);
}

/** Forgets the access token: the session has ended elsewhere. */
export function forget() {
  token = '';
}

/** Ends every session of the user. */
export async function logOut() {
  await call('DELETE', '/sessions');
  forget();
  owner = '';
}

/** Gets a new access token by the cookie. Several who ask at once get the same. */
export function refresh() {
  refreshing ??= send('POST', '/sessions/refresh', { body: { cookie: true } }, '')
    .then(({ body }) => take(body.access_token))
    .finally(() => void (refreshing = null));
  return refreshing;
}

/**
 * Calls the API as whoever is signed in, or as nobody. An access token that is no longer good, or was forgotten, is renewed once.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 */
export async function call(method, path, options = {}) {
  const used = token;
  try {
    return await send(method, path, options, used);
  } catch (error) {
    if (!(error instanceof Problem) || error.name !== 'unauthenticated') throw error;
  }
  try {
    // Somebody else may have renewed it meanwhile.
    if (token === used) await refresh();
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500 || error.status === 429) throw error;
    forget();
    ended();
    throw new SignedOut();
  }
  try {
    return await send(method, path, options, token);
  } catch (error) {
    if (!(error instanceof Problem) || error.name !== 'unauthenticated') throw error;
    forget();
    ended();
    throw new SignedOut();
  }
}

/**
 * A post as its author reads it. The summary is what somebody wrote: where nobody has, the post shows how its text begins, and the
 * newest of its versions says so.
 * @param {string} slug
 * @returns {Promise<{ post: Record<string, any>, etag: string }>}
 */
export async function readPost(slug) {
  const { body: post, etag } = await call('GET', path`/posts/${slug}`);
  const { body: revisions } = await call('GET', path`/posts/${post.slug}/revisions?limit=1`);
  return { post: { ...post, summary: revisions.items[0]?.summary ?? null }, etag };
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 * @param {string} bearer
 * @returns {Promise<Answer>}
 */
async function send(method, path, { body, etag, key, signal }, bearer) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json' };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (etag) headers['If-Match'] = etag;
  if (key) headers['Idempotency-Key'] = key;
  let response, text;
  try {
    response = await fetch(BASE + path, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
      // The cookie goes to the sessions only, whatever is said here: its path says so.
      credentials: 'same-origin', cache: 'no-store',
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Offline();
  }
  const json = parse(text);
  if (!response.ok) throw new Problem(response.status, json ?? {}, response.headers.get('retry-after'));
  return { status: response.status, body: json, etag: response.headers.get('etag') ?? '', date: response.headers.get('date') ?? '' };
}

/** @param {string} text */
function parse(text) {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * A path with its parameters escaped: path`/posts/${slug}`.
 * @param {TemplateStringsArray} strings
 * @param {...string} values
 */
export function path(strings, ...values) {
  return strings.reduce((text, part, i) => text + encodeURIComponent(values[i - 1]) + part);
}
