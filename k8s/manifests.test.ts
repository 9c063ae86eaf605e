/** k8s/base: processors, the archive and what both need. */
import { openProbes } from '../cli/cluster/probes';
import { environmentName, readSettings } from '../cli/settings';
import { newLaneMetrics } from '../processors/runner';
import { problemOfCommand } from './testing/commands';
import { given, lawsOf } from './testing/laws';
import { manifestsOf, type Labels, type Manifest } from './testing/manifests';
import { problemsOf } from './testing/schema';

const base = manifestsOf('base');
const { containers, templates, named, matches } = base;
const settings = base.settingsOf('settings');

const portOf = (address: string): number =>
  Number(/^https:[^:]+$/.test(address) ? 443 : address.slice(address.lastIndexOf(':') + 1));
const kafka = settings.RESCORE_KAFKA_BROKERS.split(',').map(portOf);
const redis = settings.RESCORE_REDIS_ADDRESSES.split(',').map(portOf);
const registry = portOf(settings.RESCORE_REGISTRY_URL);
const S3 = 443;

lawsOf(base, 'rescore', {
  processor: [...kafka, ...redis, registry],
  prepare: [...kafka, registry],
  archive: [...kafka, S3],
});

describe('what the laws would find', () => {
  const set = named('StatefulSet', 'processor');
  test.each([
    [
      'an unknown field',
      { ...set, spec: { ...set.spec, podManagmentPolicy: 'Parallel' } },
      /podManagmentPolicy/,
    ],
    ['a missing field', { ...set, spec: { ...set.spec, selector: undefined } }, /selector/],
    ['a value of another kind', { ...set, spec: { ...set.spec, replicas: 'four' } }, /replicas/],
    ['an unknown kind', { ...set, kind: 'StatefulSets' }, /StatefulSets/],
  ])('%s', (_, wrong, where) => expect(problemsOf(wrong as Manifest).join()).toMatch(where));

  test.each([
    [['archives', 'run'], 'rescore archives run is no command'],
    [['archive', 'runs', '--once'], 'rescore archive runs is no command'],
    [['archive', 'run', '--twice'], 'rescore archive run has no --twice'],
  ])('%j', async (args, problem) => expect(await problemOfCommand(args)).toBe(problem));
});

describe('settings of processors', () => {
  test('no more processors than groups of partitions, and all of them start', () => {
    const { values } = readSettings(settings, null).settings;
    const groups = values['kafka.partitions'] / values['kafka.groupPartitions'];
    expect(named('StatefulSet', 'processor').spec!.replicas).toBeLessThanOrEqual(groups);
  });

  test('a processor is known by the name of its pod', () => {
    const [, { env = [] }] = containers.find(([name]) => name === 'processor/rescore')!;
    const instance = env.find(({ name }) => name === environmentName('kafka.instance'));
    expect(instance?.valueFrom?.fieldRef?.fieldPath).toBe('metadata.name');
  });
});

describe('processors', () => {
  test.each(containers)('%s leaves the entry point, and writes to memory alone', (_, container) => {
    expect(container.command).toBeUndefined();
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/tmp']);
  });

  test('ports are the one that the image exposes and the settings name', () => {
    const port = Number(given(/^EXPOSE (\d+)$/gm));
    expect(settings[environmentName('collector.port')]).toBe(String(port));
    const ports = containers.flatMap(([, { ports = [] }]) => ports.map(({ containerPort }) => containerPort));
    expect(ports).toEqual([port]);
    const [, { metadata }] = templates.find(([name]) => name === 'processor')!;
    expect(metadata.annotations).toMatchObject({ 'prometheus.io/port': String(port) });
    expect(named('Service', 'processors').spec!.ports).toEqual([expect.objectContaining({ port })]);
  });

  test('a processor has time to finish what it has begun', () => {
    const [, { spec }] = templates.find(([name]) => name === 'processor')!;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(10);
  });

  test('probes and Prometheus ask for what a processor answers', async () => {
    const [, container] = containers.find(([name]) => name === 'processor/rescore')!;
    const [, { metadata }] = templates.find(([name]) => name === 'processor')!;
    const { startupProbe, livenessProbe, readinessProbe } = container;
    const paths = [startupProbe, livenessProbe, readinessProbe].map(probe => probe!.httpGet.path);
    expect(paths).toEqual(['/healthz', '/healthz', '/readyz']);
    const { values } = readSettings({ [environmentName('collector.port')]: '0' }, null).settings;
    const worker = {
      metrics: () => newLaneMetrics(),
      schedulers: () => [],
      partitions: () => [],
      stopped: () => [],
      lag: () => ({}),
      unready: () => null,
      drift: () => Promise.resolve({ customers: 0, features: [], scores: [] }),
    };
    const probes = await openProbes(values, worker, new AbortController().signal);
    try {
      for (const path of [...paths, metadata.annotations!['prometheus.io/path']])
        expect([path, (await fetch(probes.url + path)).status]).toEqual([path, 200]);
    } finally {
      await probes.close();
    }
  });

  test('the set, its service and its budget choose the processors and nothing else', () => {
    const set = named('StatefulSet', 'processor').spec as {
      selector: { matchLabels: Labels };
      serviceName: string;
    };
    const service = named('Service', set.serviceName).spec as { selector: Labels };
    const budget = named('PodDisruptionBudget', 'processor').spec as { selector: { matchLabels: Labels } };
    for (const labels of [set.selector.matchLabels, service.selector, budget.selector.matchLabels])
      expect(matches(labels)).toEqual(['processor']);
  });
});
