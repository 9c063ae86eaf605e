/**
 * Ed25519 signatures of manifests. A key is trusted for named sets of artifacts only: the key of the demonstration
 * models (set `baseline`) can sign nothing that a production registry would accept.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { ArtifactError } from './errors';
import { sha256Hex } from './layout';

const RAW_KEY_BYTES = 32;

const trustedKeySchema = z.strictObject({
  /** The raw 32 bytes, base64. */
  publicKey: z.string().refine(text => Buffer.from(text, 'base64').length === RAW_KEY_BYTES, {
    error: 'a raw Ed25519 public key has 32 bytes; write them in base64',
  }),
  /** Sets of artifacts that it may sign. */
  sets: z.array(z.string().min(1)).min(1),
});
export const trustedKeysSchema = z.strictObject({ keys: z.array(trustedKeySchema) });
export type TrustedKey = z.infer<typeof trustedKeySchema>;

export interface SigningKey {
  /** PKCS #8, PEM. */
  privateKey: string;
  /** The raw 32 bytes, base64. */
  publicKey: string;
}

/** Base64 of the raw key, which ends a SubjectPublicKeyInfo of Ed25519 (RFC 8410). */
const rawOf = (spki: Buffer): string => spki.subarray(-RAW_KEY_BYTES).toString('base64');
const rawPublicKey = (key: KeyObject): string => rawOf(key.export({ type: 'spki', format: 'der' }));

/**
 * Encoded by the generator itself: exporting a generated key holds its lock, and a collection of garbage meanwhile waits
 * for the same lock when it frees the generator (seen with Node 20 and JWK: the process stood still for ever).
 */
export function newSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  return { privateKey, publicKey: rawOf(publicKey) };
}

/** The pair behind a PEM file. Throws for anything but an Ed25519 private key. */
export function readSigningKey(pem: string): SigningKey {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519')
    throw new TypeError(`The signing key is ${key.asymmetricKeyType ?? 'unknown'}; it must be Ed25519.`);
  return { privateKey: pem, publicKey: rawPublicKey(createPublicKey(key)) };
}

/** First 16 hex digits of the SHA-256 of the raw key: names a key, proves nothing. */
export const keyIdOf = (publicKey: string): string =>
  sha256Hex(Buffer.from(publicKey, 'base64')).slice(0, 16);

/** Content of a `.sig` file over `bytes`. */
export function signBytes(bytes: Uint8Array, key: SigningKey): string {
  const signature = sign(null, bytes, createPrivateKey(key.privateKey)).toString('base64');
  return `ed25519 ${keyIdOf(key.publicKey)} ${signature}\n`;
}

const SIGNATURE_LINE = /^ed25519 ([0-9a-f]{16}) ([A-Za-z0-9+/]{86}==)\n$/;

/** Returns when `bytes` carry a valid signature of a key trusted for `set`; throws `ArtifactError` otherwise. */
export function verifySignature(
  bytes: Uint8Array,
  signature: string,
  trust: { set: string; keys: readonly TrustedKey[] },
  artifact: string,
): void {
  const parts = SIGNATURE_LINE.exec(signature);
  if (parts === null)
    throw new ArtifactError('signature-malformed', artifact, 'manifest.sig is not a signature line');
  const [, id, text] = parts as unknown as [string, string, string];
  const key = trust.keys.find(candidate => keyIdOf(candidate.publicKey) === id);
  if (key === undefined)
    throw new ArtifactError('signer-unknown', artifact, `no trusted key has the id ${id}`);
  if (!key.sets.includes(trust.set)) {
    const sets = key.sets.join(', ');
    throw new ArtifactError(
      'signer-not-trusted',
      artifact,
      `key ${id} is trusted for the set ${sets}, not for ${trust.set}`,
    );
  }
  const x = Buffer.from(key.publicKey, 'base64').toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  if (!verify(null, bytes, publicKey, Buffer.from(text, 'base64')))
    throw new ArtifactError('signature-invalid', artifact, `the signature of key ${id} does not fit`);
}
