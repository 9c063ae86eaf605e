/** Bodies of requests: opened within a limit, parsed whatever their content type says. */
import { gunzipSync } from 'node:zlib';
import { HttpError } from './errors';

/** Real events nest a handful of levels; more would exhaust the stack of whoever walks them. */
export const MAX_LEVELS = 32;

/** @throws HttpError */
export function parseBody(body: Buffer, contentEncoding: string | undefined, maxBytes: number): unknown {
  const encoding = (contentEncoding ?? 'identity').trim().toLowerCase();
  const plain = encoding === 'identity' ? body : unzip(encoding, body, maxBytes);
  try {
    return JSON.parse(plain.toString('utf8'));
  } catch {
    throw new HttpError('malformed-json', 'The body is not JSON.');
  }
}

function unzip(encoding: string, body: Buffer, maxBytes: number): Buffer {
  if (encoding !== 'gzip') throw new HttpError('malformed-encoding', `Content-Encoding is ${encoding}.`);
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new HttpError('body-too-large', `The body opens to more than ${maxBytes} bytes.`);
    throw new HttpError('malformed-encoding', 'The body is not gzip, although Content-Encoding says so.');
  }
}

/** Looks no deeper than `levels` itself, so that it can't be what runs out of stack. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  return levels === 0 || Object.values(value).some(inner => isNestedDeeper(inner, levels - 1));
}
