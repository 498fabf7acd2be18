// Pictures: from a file to an address that Markdown can show (docs/media.md).

import { call, Offline, path } from './api.js';
import { uniqueId } from './text.js';

/** What the blog takes. */
export const TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];
const MAX_BYTES = 20 * 1024 * 1024;

/** How often to ask whether a picture is ready, and for how long, in milliseconds. */
const ASK_EVERY = 500;
const ASK_FOR = 60_000;

/**
 * The pictures among what was dropped, pasted or chosen.
 * @param {DataTransfer | null} data
 * @returns {File[]}
 */
export function picturesOf(data) {
  return [...(data?.files ?? [])].filter((file) => file.type.startsWith('image/'));
}

/**
 * Uploads a picture and waits until it can be shown. Gives its address for Markdown.
 * @param {File} file
 * @param {string} alt
 */
export async function upload(file, alt) {
  if (!TYPES.includes(file.type)) throw new Error(`${file.name} is not a JPEG, PNG, WebP or GIF picture.`);
  if (file.size > MAX_BYTES) throw new Error(`${file.name} is larger than 20 MiB.`);
  const { body } = await call('POST', '/media', {
    body: { filename: file.name || 'picture', content_type: file.type, size: file.size, ...(alt ? { alt } : {}) },
    key: uniqueId(),
  });
  const sent = new FormData();
  for (const [name, value] of Object.entries(body.upload.fields)) sent.append(name, String(value));
  // Last: S3 ignores what comes after it.
  sent.append('file', file);
  const response = await fetch(body.upload.url, { method: 'POST', body: sent }).catch(() => {
    throw new Offline();
  });
  if (!response.ok) throw new Error(`${file.name} could not be uploaded.`);
  const until = Date.now() + ASK_FOR;
  while (Date.now() < until) {
    const { body: media } = await call('GET', path`/media/${body.id}`);
    if (media.status === 'ready') return `/media/${body.id}`;
    if (media.status === 'refused') throw new Error(`${file.name} was refused: ${media.refusal ?? 'it is not a picture.'}`);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY));
  }
  throw new Error(`${file.name} is uploaded, but not ready yet. Its address is /media/${body.id}.`);
}
