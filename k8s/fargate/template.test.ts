/** The template of the nightly run agrees with the program and its image; cfn-lint finds nothing wrong with it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isAlias, isScalar, visit } from 'yaml';
import { emptyReport, reportFamilies } from '../../backfill/consistency';
import { driftFamilies } from '../../backfill/drift';
import { MATURED_METRICS } from '../../backfill/drift/metrics';
import { FIELDS, readSettings, type FieldName } from '../../cli/settings';
import { problemOfCommand } from '../testing/commands';
import { given } from '../testing/laws';
import { argumentsOf, manifestsOf } from '../testing/manifests';
import {
  Parameters,
  Resources,
  StartAt,
  States,
  containers,
  document,
  ofType,
  path,
  runs,
  tasks,
  wordsOf,
} from '../testing/template';

describe('containers', () => {
  /** A value of its kind for what a parameter or a region gives. */
  const STANDING: Readonly<Record<string, string>> = {
    RESCORE_KAFKA_BROKERS: 'kafka:9093',
    RESCORE_REGISTRY_URL: 'https://registry',
    RESCORE_CURRENCY: 'EUR',
    RESCORE_MODELS_SET: 'production',
    RESCORE_MODELS_TRUSTED_KEYS: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  };

  test.each(containers)('%s is given settings that exist', (_, { Environment = [], Secrets = [] }) => {
    const environment = Object.fromEntries([
      ...Environment.map(({ Name, Value }) => [
        Name,
        Name.endsWith('_REGION') ? 'eu-central-1' : (STANDING[Name] ?? Value),
      ]),
      ...Secrets.map(({ Name }) => [Name, 'given-elsewhere']),
    ]) as Record<string, string>;
    expect(readSettings(environment, null).problems).toEqual([]);
  });

  test.each(containers)('%s runs as the image does, and can change nothing of it', (_, container) => {
    expect(container).toMatchObject({
      User: given(/^USER (\d\S*)$/gm),
      ReadonlyRootFilesystem: true,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
      LogConfiguration: { LogDriver: 'awslogs', Options: { 'awslogs-group': 'Logs' } },
    });
  });

  test.each(tasks)('%s has limits', (_, { Properties }) => {
    expect(Number(Properties.Cpu)).toBeGreaterThan(0);
    expect(Number(Properties.Memory)).toBeGreaterThan(0);
  });

  test('programs of the system that take the place of rescore are these two', () => {
    const others = containers.flatMap(([name, { EntryPoint }]) => (EntryPoint ? [[name, EntryPoint]] : []));
    expect(others).toEqual([
      ['PublishTask/key', ['node', '-e', expect.stringContaining('/key/model-signing.pem')]],
      ['TidyTask/rescore', expect.arrayContaining(['find', '/nights', '-mtime', '+14'])],
    ]);
  });

  test('folders that a container writes are those that the image gives its user', () => {
    // Fargate makes volumes for root alone, unless the image declares the folder with an owner.
    const declared = JSON.parse(given(/^VOLUME (.*)$/gm)) as string[];
    const volumes = tasks.flatMap(([, { Properties }]) => Properties.Volumes as { Name: string }[]);
    const own = volumes.filter(volume => !('EFSVolumeConfiguration' in volume)).map(({ Name }) => `/${Name}`);
    expect(declared).toEqual(expect.arrayContaining(own));
  });

  test('a task that mounts the run folders waits for both ways to them', () => {
    for (const [name, { DependsOn, Properties }] of tasks)
      if (JSON.stringify(Properties.Volumes).includes('EFSVolumeConfiguration'))
        expect([name, DependsOn]).toEqual([name, ['MountA', 'MountB']]);
  });
});

describe('a night', () => {
  test('is the archive, and every step in the order in which each needs the one before', () => {
    const order: string[] = [];
    for (let at: string | undefined = StartAt; at !== undefined; at = States[at].Next ?? States[at].Default)
      order.push(at);
    // prettier-ignore
    expect(order).toEqual([
      'Items', 'Archive', 'Plan', 'Replay', 'Dataset', 'Train', 'Gate', 'Publish', 'Consistency', 'Drift',
      'Report', 'Keep', 'Tidy', 'Verdict', 'Well',
    ]);
  });

  test.each(runs)('%s is a command with options that it has', async (_, { Parameters: parameters }) => {
    const { TaskDefinition, Overrides } = parameters!;
    const task = TaskDefinition.slice(2, -1);
    const container = Resources[task].Properties.ContainerDefinitions!.find(
      ({ Name }) => Name === 'rescore',
    )!;
    if (container.EntryPoint) return expect(Overrides).toBeUndefined();
    const args = Overrides ? wordsOf(Overrides.ContainerOverrides[0]['Command.$']) : container.Command!;
    expect(await problemOfCommand(args)).toBeNull();
    if (args[0] === 'backfill') expect(args.slice(2, 4)).toEqual(['--run', '/nights/{}']);
  });

  test('the same steps as on Kubernetes, in the same order', () => {
    const here = runs.flatMap(([, { Parameters: parameters }]) => {
      const words = wordsOf(parameters!.Overrides?.ContainerOverrides[0]['Command.$'] ?? '');
      return words[0] === 'backfill' ? [words[1]] : [];
    });
    const there = manifestsOf('backfill').containers.flatMap(([name, container]) => {
      const args = name.startsWith('night/') ? argumentsOf(container) : null;
      return args === null ? [] : [args[1].replace('replay-job', 'replay')];
    });
    expect(here).toEqual(there);
  });

  test('goes on from the night before', () => {
    const words = wordsOf(States.Plan.Parameters!.Overrides!.ContainerOverrides[0]['Command.$']);
    expect(words.slice(4)).toEqual(['--after', 'latest']);
    // Its own folder is the newest when old ones go, at the end.
    expect(States.Tidy.Next).toBe('Verdict');
  });

  test('what the checks find becomes the metrics that alarms look at', () => {
    for (const check of [States.Consistency, States.Drift]) {
      const words = wordsOf(check.Parameters!.Overrides!.ContainerOverrides[0]['Command.$']);
      expect(words.slice(4)).toEqual(['--metrics', '/nights/{}/metrics.prom', '--cloudwatch', '${Metrics}']);
    }
    const metrics = Object.keys(MATURED_METRICS).map(model => ({
      model,
      version: 'v',
      source: 'snapshots' as const,
      from: 0,
      until: 0,
      rows: 1,
      customers: 1,
      metrics: { auc: 0, r2: 0, gini: 0 },
      promised: { auc: 0, r2: 0, gini: 0 },
      calibration: [],
    }));
    const empty = { models: [], newestAt: 0, days: 30, customers: 0, left: null, features: [], scores: [] };
    const known = [
      ...reportFamilies(emptyReport(), 0),
      ...driftFamilies({ ...empty, matured: metrics }, 0),
    ].map(({ name }) => name);
    const text = JSON.stringify(ofType('AWS::CloudWatch::Alarm'));
    const asked = [...text.matchAll(/"MetricName":"(rescore_\w+)"/g)].map(([, name]) => name);
    expect(asked.length).toBeGreaterThan(8);
    expect(asked.filter(name => !known.includes(name))).toEqual([]);
  });

  test('one item for each partition, as many as topics have by default', () => {
    expect(Parameters.Partitions.Default).toBe(
      (FIELDS['kafka.partitions' satisfies FieldName] as { default: number }).default,
    );
    expect(JSON.stringify(States.Items)).toContain(
      'States.ArrayRange(0, States.MathAdd(${Partitions}, -1), 1)',
    );
  });

  test('no task gets a public address', () => {
    expect(runs).toHaveLength(12);
    for (const [, { Parameters: parameters }] of runs)
      expect(parameters!.NetworkConfiguration.AwsvpcConfiguration).toMatchObject({
        AssignPublicIp: 'DISABLED',
        Subnets: ['${SubnetA}', '${SubnetB}'],
      });
  });
});

describe('CloudFormation takes', () => {
  test('no aliases of YAML, and no null', () => {
    const found: string[] = [];
    visit(document, (_, node) => {
      if (isAlias(node) || (isScalar(node) && (node.anchor !== undefined || node.value === null)))
        found.push(String(node));
    });
    expect(found).toEqual([]);
  });

  const linter = [join(__dirname, '.venv', 'bin', 'cfn-lint'), 'cfn-lint'].find(
    name =>
      (name === 'cfn-lint' || existsSync(name)) &&
      spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  );
  if (linter === undefined)
    process.stderr.write('\n!!! SKIPPED: cfn-lint is not there (`make cfn-lint` installs it).\n\n');

  (linter === undefined ? test.skip : test)('what cfn-lint finds nothing wrong with', () => {
    const { status, stdout, stderr } = spawnSync(linter!, ['-t', path], { encoding: 'utf8' });
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
  });
});
