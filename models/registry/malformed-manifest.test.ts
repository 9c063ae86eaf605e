/** @jest-environment ./models/testing/onnx-environment.js */
/** Pointers, manifests and signatures that are wrong, each with the exact error that it gets. */
import { VECTOR_WIDTH } from '../../processors/core';
import { openScorer } from '..';
import { sha256Hex } from '../layout';
import { newSigningKey } from '../signing';
import { TEST_SET } from '../testing/artifacts';
import type { Malformed } from '../testing/damaged-registry';
import { refusedWhen } from './refusals.contract';

const CASES: Malformed[] = [
  [
    'nothing was ever published',
    r => r.drop('churn'),
    'pointer-missing',
    'churn/current.json',
    'there is no such file',
  ],
  [
    'the pointer is cut',
    r => r.put('churn/current.json', '{"name":'),
    'pointer-malformed',
    'churn/current.json',
    'it is not JSON',
  ],
  [
    'the pointer lacks its sequence',
    r => r.repoint({ sequence: 0 }),
    'pointer-malformed',
    'churn/current.json',
    'sequence: Too small: expected number to be >0',
  ],
  [
    "the pointer is another model's",
    r => r.repoint({ name: 'ltv' }),
    'pointer-malformed',
    'churn/current.json',
    'it points at the model ltv',
  ],
  [
    'the pointer leads out of the registry',
    r => r.repoint({ version: '../../etc' }),
    'version-malformed',
    'churn/current.json',
    '"../../etc" is not a version',
  ],
  [
    'the pointer names an absent version',
    r => r.repoint({ version: '20250101T000000Z-00000000' }),
    'version-missing',
    'churn/20250101T000000Z-00000000',
    'there is no manifest.json under this version',
  ],
  [
    'the pointer names another digest',
    r => r.repoint({ manifestSha256: '0'.repeat(64) }),
    'manifest-digest-mismatch',
    '@',
    'the pointer names another digest of manifest.json',
  ],
  [
    'the pointer is larger than any pointer',
    r => r.put('churn/current.json', ' '.repeat(5_000)),
    'file-oversize',
    'churn/current.json',
    'it has 5000 bytes, more than the limit of 4096',
  ],
  [
    'a manifest is changed after signing',
    r => {
      const text = r.read('@/manifest.json').replace('"seed": 1', '"seed": 2');
      r.put('@/manifest.json', text);
      r.repoint({ manifestSha256: sha256Hex(text) });
    },
    'signature-invalid',
    '@',
    /^the signature of key [0-9a-f]{16} does not fit$/,
  ],
  [
    'the signature is missing',
    r => r.drop('@/manifest.sig'),
    'file-missing',
    '@/manifest.sig',
    'there is no such file',
  ],
  [
    'the signature is no signature line',
    r => r.put('@/manifest.sig', 'ed25519 nobody\n'),
    'signature-malformed',
    '@',
    'manifest.sig is not a signature line',
  ],
  [
    'the signer is unknown',
    r => r.reseal(() => undefined, newSigningKey()),
    'signer-unknown',
    '@',
    /^no trusted key has the id [0-9a-f]{16}$/,
  ],
  [
    'the signer is trusted for another set',
    r => {
      r.place.keys = [{ publicKey: r.place.key.publicKey, sets: ['baseline'] }];
    },
    'signer-not-trusted',
    '@',
    /^key [0-9a-f]{16} is trusted for the set baseline, not for test$/,
  ],
  [
    'the manifest is not JSON',
    r =>
      r.reseal(
        () => undefined,
        r.place.key,
        () => '{',
      ),
    'manifest-malformed',
    '@',
    'manifest.json is not JSON',
  ],
  [
    'the manifest lacks a field',
    r =>
      r.reseal(m => {
        delete m['seed'];
      }),
    'manifest-malformed',
    '@',
    'seed: Invalid input: expected number, received undefined',
  ],
  [
    'the manifest has a field too many',
    r =>
      r.reseal(m => {
        m['script'] = 'x';
      }),
    'manifest-malformed',
    '@',
    'manifest: Unrecognized key: "script"',
  ],
  [
    'the manifest is not canonical',
    r =>
      r.reseal(
        () => undefined,
        r.place.key,
        value => JSON.stringify(value),
      ),
    'manifest-not-canonical',
    '@',
    'manifest.json is not canonical JSON',
  ],
  [
    "the manifest is another model's",
    r =>
      r.reseal(m => {
        m['name'] = 'ltv';
      }),
    'identity-mismatch',
    '@',
    'name is ltv, not churn',
  ],
  [
    "the manifest is another set's",
    r =>
      r.reseal(m => {
        m['set'] = 'production';
      }),
    'identity-mismatch',
    '@',
    `set is production, not ${TEST_SET}`,
  ],
  [
    'quantiles of a feature are not in order',
    r =>
      r.reseal(m => {
        const values = Array.from({ length: 21 }, (_, at) => -at);
        (m['quantiles'] as { features: object }).features = {
          orders_lifetime: { undefinedShare: 0, values },
        };
      }),
    'manifest-malformed',
    '@',
    'quantiles.features.orders_lifetime.values: must be 21 numbers in ascending order',
  ],
  [
    'quantiles of the score are too few',
    r =>
      r.reseal(m => {
        (m['quantiles'] as { score: number[] }).score = [0.5];
      }),
    'manifest-malformed',
    '@',
    'quantiles.score: must be 21 numbers in ascending order',
  ],
  [
    'the layout is another',
    r =>
      r.reseal(m => {
        m['layout'] = { fingerprint: 'a'.repeat(64), width: VECTOR_WIDTH };
      }),
    'layout-mismatch',
    '@',
    /^it was trained on layout a{12}, this program writes [0-9a-f]{12}$/,
  ],
  [
    'the width is another',
    r =>
      r.reseal(m => {
        m['input'] = { name: 'features', shape: [null, 7] };
      }),
    'shape-mismatch',
    '@',
    `it takes 7 features, the layout has ${VECTOR_WIDTH}`,
  ],
];

refusedWhen(CASES, place => openScorer({ ...place, names: ['churn', 'engagement', 'ltv'] }));
