/** Bytes of a dead letter as a person can look at them: text where they are text, else hexadecimal. */
import { isUtf8 } from 'node:buffer';
import { printable } from '../output/table';

const BYTES_A_LINE = 16;

const isText = (bytes: Buffer): boolean =>
  // eslint-disable-next-line no-control-regex -- line ends and tabs apart, these are not text
  isUtf8(bytes) && !/[\u0000-\u0008\u000b-\u001f\u007f]/.test(bytes.toString('utf8'));

function hexLine(bytes: Buffer, at: number): string {
  const line = bytes.subarray(at, at + BYTES_A_LINE);
  const hex = [...line].map(byte => byte.toString(16).padStart(2, '0')).join(' ');
  const text = [...line].map(byte => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
  return `${at.toString(16).padStart(8, '0')}  ${hex.padEnd(3 * BYTES_A_LINE - 1)}  ${text}`;
}

export function bytesForPeople(given: Uint8Array): string {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
  if (isText(bytes))
    return bytes
      .toString('utf8')
      .split('\n')
      .map(line => printable(line.replaceAll('\t', '    ')))
      .join('\n');
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) lines.push(hexLine(bytes, at));
  return lines.join('\n');
}
