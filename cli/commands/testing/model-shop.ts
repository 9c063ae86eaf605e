/** A shop with a signing key and registries of its own, as a person uses `rescore models` there. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../../models/registry/manifest';
import { presentFiles, seal } from '../../../models/registry/sealed';
import { newSigningKey } from '../../../models/signing';
import { draftOf, filesOf, tinyModel } from '../../../models/testing/artifacts';
import { runCli } from '../../testing/captured-io';

const metric = (value: number) => ({ value, low: value - 0.01, high: value + 0.01 });
const evaluation = (champion: string | null, more: object): NonNullable<Manifest['evaluation']> => ({
  archiveStart: '2025-01-01T00:00:00Z',
  classes: { positives: 400, negatives: 600 },
  holdOutSha256: '0'.repeat(64),
  strongestFeatures: [{ feature: 'last_login_days_ago', measure: 'auc', value: 0.9 }],
  fairness: {},
  champion: champion === null ? null : { version: champion, metrics: { auc: metric(0.8) } },
  ...more,
});

export class ModelShop {
  readonly cwd = mkdtempSync(join(tmpdir(), 'rescore-models-'));
  /** Of the next command. */
  env: Record<string, string> = {};
  publicKey = '';
  private registries = 0;

  /** With a key in key.pem, and an empty registry for each test. */
  static open(): ModelShop {
    const shop = new ModelShop();
    afterAll(() => rmSync(shop.cwd, { recursive: true, force: true }));
    beforeAll(async () => {
      ({ publicKey: shop.publicKey } = await shop.json<{ publicKey: string }>('models', 'keygen', 'key.pem'));
    });
    beforeEach(() => {
      shop.env = {
        RESCORE_MODELS_DIRECTORY: `registry-${++shop.registries}`,
        RESCORE_MODELS_SET: 'shop',
        RESCORE_MODELS_TRUSTED_KEYS: shop.publicKey,
        // No test fails on timing.
        RESCORE_GATE_MICROS_PER_ROW: '10000',
      };
    });
    return shop;
  }

  readonly run = (...argv: string[]) => runCli(argv, { cwd: this.cwd, env: { USER: 'kim', ...this.env } });

  readonly ok = async (...argv: string[]): Promise<string> => {
    const { code, stdout, stderr } = await this.run(...argv);
    expect({ argv, code, stderr: code === 0 ? '' : stderr }).toEqual({ argv, code: 0, stderr: '' });
    return stdout;
  };

  readonly json = async <T>(...argv: string[]): Promise<T> =>
    JSON.parse(await this.ok('--json', ...argv)) as T;

  readonly refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr } = await this.run(...argv);
    expect([argv, code]).not.toEqual([argv, 0]);
    return stderr;
  };

  /** A folder as a trainer leaves it, unsigned. Versions differ by `base`. */
  readonly trained = (folder: string, base: number, champion: string | null, more: object = {}): string => {
    const files = filesOf(tinyModel(true, { base }));
    const draft = draftOf('churn', files['model.onnx'], {
      set: 'shop',
      rows: { train: { rows: 9_000, customers: 900 }, validation: { rows: 900, customers: 90 } },
      metrics: { auc: metric(0.82), calibrationError: { value: 0.01, low: 0, high: 0.02 } },
      evaluation: evaluation(champion, more),
    });
    const { manifest, version } = seal(draft, files, newSigningKey());
    const place = join(this.cwd, folder);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'manifest.json'), manifest);
    for (const [file, bytes] of presentFiles(files)) writeFileSync(join(place, file), bytes);
    return version;
  };

  /** Two versions, the second current: in whatever registry `env` names. */
  readonly twoVersions = async (): Promise<[string, string]> => {
    const first = this.trained('first', 0.5, null);
    await this.ok('models', 'sign', 'first', '--key', 'key.pem');
    await this.ok('models', 'promote', 'churn', '--from', 'first');
    const second = this.trained('second', 1, first);
    await this.ok('models', 'sign', 'second', '--key', 'key.pem');
    await this.ok('models', 'promote', 'churn', '--from', 'second', '--reason', 'nightly');
    return [first, second];
  };
}
