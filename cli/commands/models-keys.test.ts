/** @jest-environment ./models/testing/onnx-environment.js */
/** Whose models may score: keys in files, signatures, and whom the settings trust. */
import { chmodSync, cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { baselineDirectory } from '../../models';
import { ModelShop } from './testing/model-shop';

const shop = ModelShop.open();
const { cwd, run, ok, json, refused, trained } = shop;

describe('keys', () => {
  test('the private key is for its owner alone, is not printed, and is never written over', async () => {
    const said = await ok('models', 'keygen', 'other.pem');
    const pem = readFileSync(join(cwd, 'other.pem'), 'utf8');
    expect(statSync(join(cwd, 'other.pem')).mode & 0o777).toBe(0o600);
    const secret = pem.split('\n')[1]!;
    expect(said).not.toContain(secret.slice(-20));
    expect(await refused('models', 'keygen', 'other.pem')).toContain('key-exists');
    expect(readFileSync(join(cwd, 'other.pem'), 'utf8')).toBe(pem);
  });

  test('what keygen prints is what the settings file takes', async () => {
    const said = await ok('models', 'keygen', 'pasted.pem');
    const yaml = said.slice(said.indexOf('models:\n'));
    writeFileSync(join(cwd, 'pasted.yaml'), yaml);
    shop.env = {};
    const settings = await json<{ name: string; value: unknown }[]>('--settings', 'pasted.yaml', 'settings');
    const value = (name: string) => settings.find(one => one.name === name)!.value;
    expect(value('models.set')).toBe('production');
    expect(value('models.signingKeyFile')).toBe('pasted.pem');
    expect(value('models.trustedKeys')).toEqual([expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/)]);
  });

  test.each([
    ['no key at all', [], 'key-missing: There is no key to sign with.'],
    ['a file that is none', ['--key', 'nowhere.pem'], 'key-unfit: nowhere.pem cannot be read (ENOENT).'],
    ['a file that is no key', ['--key', 'text.pem'], 'key-unfit: text.pem: it holds no private key.'],
  ])('sign with %s', async (_what, more, said) => {
    trained('unsigned', 0.5, null);
    writeFileSync(join(cwd, 'text.pem'), 'hello');
    expect(await refused('models', 'sign', 'unsigned', ...more)).toContain(said);
  });

  test('a key that others may read is a warning, one that is not trusted here too', async () => {
    trained('warned', 0.5, null);
    await ok('models', 'keygen', 'loose.pem');
    chmodSync(join(cwd, 'loose.pem'), 0o644);
    const { code, stderr } = await run('models', 'sign', 'warned', '--key', 'loose.pem');
    expect(code).toBe(0);
    expect(stderr).toContain('chmod 600 loose.pem');
    expect(stderr).toContain('do not trust key');
  });

  test('sign: what a loader would refuse is not signed, another signature is not written over', async () => {
    trained('damaged', 0.5, null);
    writeFileSync(join(cwd, 'damaged', 'card.md'), '# Another card\n');
    expect(await refused('models', 'sign', 'damaged', '--key', 'key.pem')).toContain('file-digest-mismatch');
    trained('signed', 0.5, null);
    await ok('models', 'sign', 'signed', '--key', 'key.pem');
    await ok('models', 'sign', 'signed', '--key', 'key.pem');
    await ok('models', 'keygen', 'another.pem');
    expect(await refused('models', 'sign', 'signed', '--key', 'another.pem')).toContain('--replace');
    expect((await run('models', 'sign', 'signed', '--key', 'another.pem', '--replace')).code).toBe(0);
  });
});

describe('trust', () => {
  test('the key that comes with rescore is trusted for the set baseline alone', async () => {
    cpSync(join(baselineDirectory(), 'churn'), join(cwd, shop.env['RESCORE_MODELS_DIRECTORY']!, 'churn'), {
      recursive: true,
    });
    const baselineKey = (
      JSON.parse(readFileSync(join(baselineDirectory(), 'trusted-keys.json'), 'utf8')) as {
        keys: { publicKey: string }[];
      }
    ).keys[0]!.publicKey;
    for (const keys of [shop.publicKey, `${shop.publicKey},${baselineKey}`]) {
      shop.env['RESCORE_MODELS_TRUSTED_KEYS'] = keys;
      const { code, stdout } = await run('models', 'verify');
      expect([code, stdout]).toEqual([1, expect.stringContaining('signer-not-trusted')]);
    }
  });

  test('the set baseline takes no key but that one', async () => {
    shop.env['RESCORE_MODELS_SET'] = 'baseline';
    expect(await refused('models', 'list')).toContain('models-trust');
  });

  test('a model of a stranger is not brought in', async () => {
    trained('strange', 0.5, null);
    await ok('models', 'keygen', 'stranger.pem');
    await run('models', 'sign', 'strange', '--key', 'stranger.pem');
    expect(await refused('models', 'promote', 'churn', '--from', 'strange')).toContain('signer-unknown');
    expect(await json('models', 'list')).toEqual([]);
  });

  test('the models that come with rescore are verified as they are', async () => {
    shop.env = {};
    const found = await json<{ name: string; code: null }[]>('models', 'verify');
    expect(found.map(({ name, code }) => [name, code])).toEqual([
      ['churn', null],
      ['engagement', null],
      ['ltv', null],
    ]);
    expect(await ok('models', 'show', 'churn')).toContain('No decision is on record.');
  }, 60_000);
});
