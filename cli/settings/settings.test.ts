import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_SETTINGS } from '../../processors/core/settings';
import { runCli } from '../testing/captured-io';
import { coreSettings, environmentName, FIELD_NAMES, FIELDS, parseSettings, readSettings } from '.';

const messages = (env: Record<string, string>, yaml?: string): string[] =>
  readSettings(env, yaml === undefined ? null : { path: 'rescore.yaml', yaml }).problems.map(
    problem => `${problem.code}: ${problem.message}`,
  );

describe('settings', () => {
  it('defaults are valid, say what they are, and are the core defaults', () => {
    const { values } = parseSettings({}, null);
    for (const name of FIELD_NAMES) {
      expect(FIELDS[name].schema.safeParse(FIELDS[name].default)).toEqual({
        success: true,
        data: values[name],
      });
      expect(FIELDS[name].about).toMatch(/^\S.*\.$/);
      expect(FIELDS[name].unit).not.toBe('');
    }
    expect(coreSettings(values)).toEqual(DEFAULT_SETTINGS);
  });

  it('every environment name is its own', () => {
    expect(new Set(FIELD_NAMES.map(environmentName)).size).toBe(FIELD_NAMES.length);
    expect(environmentName('alerts.churnRaise')).toBe('RESCORE_ALERTS_CHURN_RAISE');
  });

  it('the environment wins over the file, the file over the default', () => {
    const yaml = 'alerts:\n  churnRaise: 0.8\n  churnClear: 0.5\ncollector.port: 9000\n';
    const { values, sources } = parseSettings({ RESCORE_ALERTS_CHURN_RAISE: '.9' }, { path: 'f', yaml });
    expect(values['alerts.churnRaise']).toBe(0.9);
    expect(values['alerts.churnClear']).toBe(0.5);
    expect(values['collector.port']).toBe(9000);
    expect([sources['alerts.churnRaise'], sources['alerts.churnClear'], sources.currency]).toEqual([
      'environment',
      'file',
      'default',
    ]);
  });

  it('reads lists and keeps reserved names out', () => {
    const { values } = parseSettings(
      { RESCORE_INPUT_STAND_IN_IDS: 'nobody, 0', RESCORE_DATA: '/data' },
      null,
    );
    expect(values['input.standInIds']).toEqual(['nobody', '0']);
  });

  const wrong: [name: string, env: Record<string, string>, yaml: string | undefined, error: string][] = [
    [
      'a number that is text',
      { RESCORE_COLLECTOR_PORT: 'eighty' },
      undefined,
      'setting-malformed: RESCORE_COLLECTOR_PORT: "eighty" is not valid; expected a whole number from 0 to 65535 (port).',
    ],
    [
      'a number out of range',
      { RESCORE_ALERTS_CHURN_RAISE: '70' },
      undefined,
      'setting-malformed: RESCORE_ALERTS_CHURN_RAISE: 70 is not valid; expected a number from 0 to 1 (probability).',
    ],
    [
      'a fraction where a whole number is due',
      {},
      'lane:\n  batchRecords: 1.5',
      'setting-malformed: rescore.yaml: lane.batchRecords: 1.5 is not valid; expected a whole number from 1 to 100000 (records).',
    ],
    [
      'an empty number',
      { RESCORE_LANE_LINGER_MS: '' },
      undefined,
      'setting-malformed: RESCORE_LANE_LINGER_MS: "" is not valid; expected a whole number from 0 to 60000 (ms).',
    ],
    [
      'a choice that does not exist',
      {},
      'state: { durability: disk }',
      'setting-malformed: rescore.yaml: state.durability: "disk" is not valid; expected one of process, power (kind).',
    ],
    [
      'a currency in words',
      {},
      'currency: dollars',
      'setting-malformed: rescore.yaml: currency: "dollars" is not valid; expected an ISO 4217 code of three capital letters (ISO 4217 code).',
    ],
    [
      'an unknown variable near a known one',
      { RESCORE_ALERTS_CHURN_RAIZE: '1' },
      undefined,
      'setting-unknown: RESCORE_ALERTS_CHURN_RAIZE is not a setting. Did you mean RESCORE_ALERTS_CHURN_RAISE?',
    ],
    [
      'an unknown variable near none',
      { RESCORE_PULSAR_TENANT: 'x' },
      undefined,
      'setting-unknown: RESCORE_PULSAR_TENANT is not a setting.',
    ],
    [
      'an unknown name in the file',
      {},
      'alerts:\n  inactiveDay: 30',
      'setting-unknown: rescore.yaml: alerts.inactiveDay is not a setting. Did you mean alerts.inactiveDays?',
    ],
    [
      'a section where a value is due',
      {},
      'currency: { code: EUR }',
      'setting-malformed: rescore.yaml: currency: {"code":"EUR"} is not valid; expected an ISO 4217 code of three capital letters (ISO 4217 code).',
    ],
    [
      'a value where a section is due',
      {},
      'alerts: 5',
      'setting-unknown: rescore.yaml: alerts is not a setting.',
    ],
    [
      'a list at the top',
      {},
      '- currency',
      'settings-unreadable: rescore.yaml: the top level must be a map of settings, as in "currency: EUR".',
    ],
    [
      'YAML that is none',
      {},
      'currency: "EUR',
      'settings-unreadable: rescore.yaml: Missing closing "quote at line 1, column 15:',
    ],
    [
      'a name given twice',
      {},
      'currency: EUR\ncurrency: USD',
      'settings-unreadable: rescore.yaml: Map keys must be unique at line 2, column 1:',
    ],
    [
      'a secret is not repeated',
      { RESCORE_COLLECTOR_READ_KEY: 'short' },
      undefined,
      'setting-malformed: RESCORE_COLLECTOR_READ_KEY: the value given is not valid; expected a key of 8 to 128 printable characters (key).',
    ],
    [
      'clear above raise',
      { RESCORE_ALERTS_CHURN_CLEAR: '0.9' },
      undefined,
      'setting-malformed: alerts.churnClear is 0.9, above alerts.churnRaise of 0.7: an alert would be raised and cleared at once.',
    ],
    [
      'a webhook without its secret',
      { RESCORE_WEBHOOK_URL: 'https://shop.example/hook' },
      undefined,
      'setting-malformed: webhook.url is set but webhook.secret is empty: receivers could not tell our calls from others.',
    ],
    [
      'not a number in YAML',
      {},
      'publish: { churnDelta: .nan }',
      'setting-malformed: rescore.yaml: publish.churnDelta: null is not valid; expected a number from 0 to 1 (probability).',
    ],
  ];
  it.each(wrong)('%s', (_name, env, yaml, error) => {
    expect(messages(env, yaml)).toEqual([error]);
  });

  it('finds all problems at once', () => {
    expect(messages({ RESCORE_X: '1', RESCORE_COLLECTOR_PORT: '-1' }, 'nope: 1')).toHaveLength(3);
  });
});

describe('rescore settings', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'rescore-settings-'));
  afterAll(() => rmSync(cwd, { recursive: true }));

  it('hides secrets', async () => {
    const env = {
      RESCORE_COLLECTOR_READ_KEY: 'very-secret-key',
      RESCORE_COLLECTOR_WRITE_KEYS: 'another-secret',
    };
    for (const argv of [['settings'], ['settings', '--json']]) {
      const { code, stdout } = await runCli(argv, { cwd, env });
      expect(code).toBe(0);
      expect(stdout).not.toContain('secret-');
      expect(stdout).not.toContain('another-secret');
      expect(stdout).toContain('(hidden)');
    }
  });

  it('takes rescore.yaml of the working directory, and a named file', async () => {
    writeFileSync(join(cwd, 'rescore.yaml'), 'currency: EUR\n');
    writeFileSync(join(cwd, 'other.yaml'), 'currency: JPY\n');
    const currency = async (argv: string[]): Promise<unknown> => {
      const rows = JSON.parse((await runCli([...argv, 'settings', '--json'], { cwd })).stdout) as {
        name: string;
        value: unknown;
      }[];
      return rows.find(row => row.name === 'currency')?.value;
    };
    expect(await currency([])).toBe('EUR');
    expect(await currency(['--settings', 'other.yaml'])).toBe('JPY');
    const missing = await runCli(['--settings', 'none.yaml', 'settings'], { cwd });
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(
      /^rescore: settings-unreadable: The settings file none.yaml cannot be read/,
    );
  });

  it('answers a wrong setting with exit code 2 and its name', async () => {
    const { code, stderr } = await runCli(['settings'], { cwd, env: { RESCORE_LANE_LINGER: '1' } });
    expect(code).toBe(2);
    expect(stderr).toContain('RESCORE_LANE_LINGER is not a setting. Did you mean RESCORE_LANE_LINGER_MS?');
  });
});
