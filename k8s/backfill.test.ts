/** k8s/backfill: the night, its Indexed Job, and how little each of its pods may do. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../cli/clock';
import { lawsOf } from './testing/laws';
import { argumentsOf, manifestsOf } from './testing/manifests';

const backfill = manifestsOf('backfill');
const { containers, templates, named, ofKind } = backfill;
const registry = Number(new URL(backfill.settingsOf('settings').RESCORE_REGISTRY_URL).port || 443);
const S3 = 443;
const API_SERVERS = [443, 6443];

lawsOf(backfill, 'rescore-backfill', { night: [S3, registry, ...API_SERVERS], replay: [S3, registry] });

const templateOf = (workload: string) => templates.find(([name]) => name === workload)![1];
const containersOf = (workload: string) =>
  containers.flatMap(([name, container]) => (name.startsWith(`${workload}/`) ? [container] : []));
const containerOf = (name: string) => containers.find(([one]) => one === name)![1];
const mounts = (volume: string) =>
  containers
    .filter(([, { volumeMounts }]) => volumeMounts.some(({ name }) => name === volume))
    .map(([name]) => name);
const RUN = ['--run', '/nights/$(NIGHT)'];
const variable = (name: string, wanted: string) =>
  containerOf(name).env!.find(one => one.name === wanted)?.valueFrom?.fieldRef?.fieldPath;

/** What is left of folders of so many days when the container has run. */
function afterTidy([shell, option, line]: readonly string[], days: Record<string, number>): string[] {
  const nights = mkdtempSync(join(tmpdir(), 'rescore-tidy-'));
  try {
    for (const [name, age] of Object.entries(days)) {
      mkdirSync(join(nights, name, 'items'), { recursive: true });
      const at = systemClock.now() / 1_000 - age * 86_400;
      utimesSync(join(nights, name), at, at);
    }
    execFileSync(shell, [option, line.replaceAll('/nights', nights)]);
    return readdirSync(nights).sort();
  } finally {
    rmSync(nights, { recursive: true });
  }
}

describe('one night', () => {
  test('is every step in the order in which each needs the one before', () => {
    expect(containersOf('night').map(one => argumentsOf(one)?.slice(0, 2).join(' ') ?? one.name)).toEqual([
      'tidy',
      'backfill plan',
      'backfill replay-job',
      'backfill dataset',
      'backfill train',
      'backfill gate',
      'backfill publish',
      'backfill consistency',
      'backfill drift',
      'backfill report',
      'backfill keep',
    ]);
  });

  test('works in one folder, named for its Job, that every pod has at the same path', () => {
    const steps = containers.filter(([, one]) => argumentsOf(one));
    expect(steps).toHaveLength(11);
    for (const [name, container] of steps) {
      const { volumeMounts } = container;
      expect([name, argumentsOf(container)!.slice(2, 4)]).toEqual([name, RUN]);
      expect(volumeMounts).toContainEqual(expect.objectContaining({ name: 'nights', mountPath: '/nights' }));
      expect(['NIGHT', variable(name, 'NIGHT')]).toEqual([
        'NIGHT',
        name.startsWith('night/')
          ? "metadata.labels['batch.kubernetes.io/job-name']"
          : "metadata.labels['night']",
      ]);
    }
  });

  test('the volume can be written from many machines at once', () => {
    for (const [, { spec }] of templates)
      expect(spec.volumes).toContainEqual({ name: 'nights', persistentVolumeClaim: { claimName: 'nights' } });
    expect(named('PersistentVolumeClaim', 'nights').spec).toMatchObject({ accessModes: ['ReadWriteMany'] });
  });

  test('old run folders go, and nothing else does; the two newest stay', () => {
    const commands = containers.filter(([, one]) => argumentsOf(one) === null);
    expect(commands.map(([name]) => name)).toEqual(['night/tidy']);
    const { command, envFrom } = commands[0][1];
    expect(envFrom).toBeUndefined();
    expect(
      afterTidy(command!, { 'night-1': 20, 'night-2': 16, 'night-3': 15.5, 'night-4': 3, kept: 99 }),
    ).toEqual(['kept', 'night-3', 'night-4']);
    expect(afterTidy(command!, { 'night-1': 90, 'night-2': 60, 'night-3': 30 })).toEqual([
      'night-2',
      'night-3',
    ]);
    expect(afterTidy(command!, { 'night-1': 10, 'night-2': 2, 'night-3': 1 })).toHaveLength(3);
    expect(afterTidy(command!, {})).toEqual([]);
  });

  test('goes on from the night before', () =>
    expect(containerOf('night/plan').args!.slice(4)).toEqual(['--after', 'latest']));

  test('a check that finds something does not keep the report away, and the night fails without another try', () => {
    const [consistency, drift, keep] = ['consistency', 'drift', 'keep'].map(
      name => containerOf(`night/${name}`).command![2],
    );
    for (const line of [consistency, drift])
      expect(line).toMatch(/\|\| touch \/nights\/\$\(NIGHT\)\/problem$/);
    expect(keep).toMatch(/ && \{ \[ ! -e \/nights\/\$\(NIGHT\)\/problem \] \|\| exit 9; \}$/);
    expect(named('CronJob', 'night').spec).toMatchObject({
      jobTemplate: {
        spec: {
          podFailurePolicy: {
            rules: [
              { action: 'Ignore' },
              { action: 'FailJob', onExitCodes: { containerName: 'keep', operator: 'In', values: [9] } },
            ],
          },
        },
      },
    });
  });

  test('what the checks find reaches processors: into the run folder, kept, shown', () => {
    for (const name of ['consistency', 'drift'])
      expect(argumentsOf(containerOf(`night/${name}`))!.slice(4)).toEqual([
        '--metrics',
        '/nights/$(NIGHT)/metrics.prom',
      ]);
    const { results } = backfill.settingsOf('places');
    expect(manifestsOf('base').settingsOf('settings').RESCORE_BACKFILL_METRICS).toBe(
      `${results}/metrics.prom`,
    );
  });

  test('begins after the archive of the day is whole, one at a time', () => {
    const spec = named('CronJob', 'night').spec!;
    const [minute, hour] = String(spec.schedule).split(' ').map(Number);
    const [archived] = String(manifestsOf('base').named('CronJob', 'archive').spec!.schedule)
      .split(' ')
      .map(Number);
    expect(hour * 60 + minute).toBeGreaterThanOrEqual(60 + archived);
    expect(spec).toMatchObject({ timeZone: 'Etc/UTC', concurrencyPolicy: 'Forbid' });
  });
});

describe('the Indexed Job', () => {
  interface JobSpec {
    completionMode: string;
    completions: number;
    backoffLimitPerIndex: number;
    activeDeadlineSeconds: number;
  }
  const cron = named('CronJob', 'replay').spec as unknown as {
    suspend: boolean;
    jobTemplate: { spec: JobSpec };
  };
  const night = named('CronJob', 'night').spec as unknown as { jobTemplate: { spec: JobSpec } };

  test('is a template: no clock starts it, and the night names it', () => {
    expect(cron.suspend).toBe(true);
    const { args } = containerOf('night/replay-job');
    expect(args!.slice(-2)).toEqual(['--from', 'replay']);
  });

  test('gives each pod the item of its index', () => {
    expect(cron.jobTemplate.spec).toMatchObject({ completionMode: 'Indexed', completions: 1 });
    expect(containerOf('replay/rescore').args!.slice(-2)).toEqual(['--item', '$(JOB_COMPLETION_INDEX)']);
  });

  test('ends before the night gives up waiting for it', () =>
    expect(cron.jobTemplate.spec.activeDeadlineSeconds).toBeLessThan(
      night.jobTemplate.spec.activeDeadlineSeconds,
    ));
});

describe('rights', () => {
  /** The archive: plan, consistency. Models: train, gate, publish, drift. Results: keep. */
  const IN_THE_BUCKET = ['plan', 'train', 'gate', 'publish', 'consistency', 'drift', 'keep'];

  test('one container may speak with the Kubernetes API, one may sign', () => {
    expect(mounts('account')).toEqual(['night/replay-job']);
    expect(mounts('key')).toEqual(['night/publish']);
    const { env = [], volumeMounts } = containerOf('night/publish');
    const { mountPath } = volumeMounts.find(({ name }) => name === 'key')!;
    const file = env.find(({ name }) => name === 'RESCORE_MODELS_SIGNING_KEY_FILE')!.value!;
    expect(file.startsWith(`${mountPath}/`)).toBe(true);
  });

  test('steps that decode records may ask the schema registry, and no others', () => {
    const asking = containers.filter(([, { env = [] }]) =>
      env.some(({ valueFrom }) => valueFrom?.secretKeyRef?.name === 'backfill-credentials'),
    );
    expect(asking.map(([name]) => name)).toEqual(['night/consistency', 'replay/rescore']);
    const named = containers.flatMap(([, { env = [] }]) =>
      env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []),
    );
    expect(new Set(named)).toEqual(new Set(['backfill-credentials']));
  });

  test('who only reads run folders can only read them', () => {
    const reading = containers.filter(([, { volumeMounts }]) =>
      volumeMounts.some(({ name, readOnly }) => name === 'nights' && readOnly === true),
    );
    expect(reading.map(([name]) => name)).toEqual(['night/replay-job', 'night/keep']);
  });

  test('steps that know no bucket get no token for its cloud', () => {
    const { annotations = {} } = templateOf('night').metadata;
    expect(annotations['eks.amazonaws.com/skip-containers'].split(',')).toEqual(
      containersOf('night').flatMap(({ name }) => (IN_THE_BUCKET.includes(name) ? [] : [name])),
    );
  });

  test('no container has a volume that it does not need', () => {
    const others = containers.flatMap(([name, { volumeMounts }]) =>
      volumeMounts.flatMap(({ name: volume }) =>
        ['tmp', 'nights'].includes(volume) ? [] : [`${name} ${volume}`],
      ),
    );
    expect(others).toEqual(['night/replay-job account', 'night/publish key']);
  });

  test('the API gives the template, a Job, and nothing more', () => {
    expect(ofKind('Role').map(({ rules }) => rules)).toEqual([
      [
        { apiGroups: ['batch'], resources: ['cronjobs'], resourceNames: ['replay'], verbs: ['get'] },
        { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get'] },
      ],
    ]);
    expect(ofKind('RoleBinding').map(({ subjects }) => subjects)).toEqual([
      [{ kind: 'ServiceAccount', name: 'night' }],
    ]);
    expect(ofKind('ClusterRole').concat(ofKind('ClusterRoleBinding'))).toEqual([]);
  });

  test('who replays has an account of its own, in a namespace without other secrets', () => {
    expect(templateOf('replay').spec.serviceAccountName).toBe('replay');
    expect(templateOf('night').spec.serviceAccountName).toBe('night');
    expect(backfill.kustomization.namespace).not.toBe(manifestsOf('base').kustomization.namespace);
    expect(ofKind('Namespace').map(({ metadata }) => metadata.name)).toEqual([
      backfill.kustomization.namespace,
    ]);
  });
});
