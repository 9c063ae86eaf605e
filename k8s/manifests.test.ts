/** Manifests are Kubernetes', and agree with the program, its settings and its image. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openProbes } from '../cli/cluster/probes';
import { environmentName, FIELD_NAMES, FIELDS, readSettings } from '../cli/settings';
import { runCli } from '../cli/testing/captured-io';
import { newLaneMetrics } from '../processors/runner';
import {
  BASE,
  containers,
  files,
  kustomization,
  manifests,
  ofKind,
  ROOT,
  settingsOf,
  templates,
  type Container,
  type Labels,
  type Manifest,
} from './testing/manifests';
import { problemsOf } from './testing/schema';

const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const given = (instruction: RegExp): string => {
  const found = [...dockerfile.matchAll(instruction)];
  if (found.length !== 1) throw new Error(`${instruction} is not there once`);
  return found[0][1];
};
const settings = settingsOf('settings');
const named = (kind: string, name: string): Manifest => ofKind(kind).find(one => one.metadata.name === name)!;

/** What a container's environment would be, with secrets of no meaning. */
function environmentOf({ env = [], envFrom = [] }: Container): Record<string, string> {
  const all = Object.assign(
    {},
    ...envFrom.map(({ configMapRef }) => settingsOf(configMapRef.name)),
  ) as Labels;
  for (const { name, value } of env) all[name] = value ?? 'given-elsewhere';
  return all;
}

describe('schemas of Kubernetes', () => {
  test.each(manifests.map(one => [`${one.kind} ${one.metadata.name}`, one] as const))('%s', (_, one) =>
    expect(problemsOf(one)).toEqual([]),
  );

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
  ])('%s would be found', (_, wrong, where) => expect(problemsOf(wrong as Manifest).join()).toMatch(where));

  test('kustomize is given every file', () => expect([...kustomization.resources].sort()).toEqual(files()));

  const hasKubectl = spawnSync('kubectl', ['kustomize', '--help'], { stdio: 'ignore' }).status === 0;
  if (!hasKubectl) process.stderr.write('\n!!! SKIPPED: there is no kubectl to build k8s/base with.\n\n');
  (hasKubectl ? test : test.skip)('kubectl builds the base', () => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', BASE], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.match(/^kind:/gm)).toHaveLength(manifests.length);
  });
});

describe('settings', () => {
  test.each(containers)('%s is given settings that exist, with values they may have', (_, container) => {
    expect(readSettings(environmentOf(container), null).problems).toEqual([]);
  });

  test('no secret stands in a ConfigMap', () => {
    const secrets = FIELD_NAMES.filter(name => FIELDS[name].secret).map(environmentName);
    expect(secrets.length).toBeGreaterThan(3);
    expect(secrets.filter(name => name in settings)).toEqual([]);
  });

  test.each(containers)('%s takes each secret from the key of its name', (_, { env = [] }) => {
    for (const { name, valueFrom } of env)
      if (valueFrom?.secretKeyRef) expect(valueFrom.secretKeyRef.key).toBe(name);
  });

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

describe('the image', () => {
  test('is the one that Compose builds, in the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(kustomization.images).toEqual([expect.objectContaining({ name: 'rescore', newTag: version })]);
    expect(new Set(containers.map(([, { image }]) => image))).toEqual(new Set(['rescore']));
  });

  test.each(containers)(
    '%s: its arguments are a command, and its entry point is left',
    async (_, container) => {
      expect(container.command).toBeUndefined();
      const { code, stdout } = await runCli([...container.args, '--help'], { cwd: ROOT });
      expect(code).toBe(0);
      const words = container.args.filter(word => !word.startsWith('-'));
      expect(stdout).toContain(`Usage: rescore ${words.join(' ')}`);
      for (const option of container.args.filter(word => word.startsWith('--')))
        expect(stdout).toContain(option);
    },
  );

  test('ports are the one that the image exposes and the settings name', () => {
    const port = Number(given(/^EXPOSE (\d+)$/gm));
    expect(settings[environmentName('collector.port')]).toBe(String(port));
    const ports = containers.flatMap(([, { ports = [] }]) => ports.map(({ containerPort }) => containerPort));
    expect(ports).toEqual([port]);
    const [, { metadata }] = templates.find(([name]) => name === 'processor')!;
    expect(metadata.annotations).toMatchObject({ 'prometheus.io/port': String(port) });
    expect(named('Service', 'processors').spec!.ports).toEqual([expect.objectContaining({ port })]);
  });

  test.each(templates)('%s runs as the user of the image, and may do nothing else', (_, { spec }) => {
    const [user, group] = given(/^USER (\S+)$/gm)
      .split(':')
      .map(Number);
    expect(spec.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: group,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
  });

  test.each(containers)('%s cannot change its image, nor gain rights', (_, container) => {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/tmp']);
    expect(container.resources).toMatchObject({ requests: expect.anything(), limits: expect.anything() });
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
});

describe('who belongs together', () => {
  const matches = (wanted: Labels) =>
    templates
      .filter(([, { metadata }]) => Object.entries(wanted).every(([k, v]) => metadata.labels[k] === v))
      .map(([name]) => name);

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

  test('every account that a pod uses is there', () => {
    const accounts = ofKind('ServiceAccount').map(({ metadata }) => metadata.name);
    for (const [, { spec }] of templates) expect(accounts).toContain(spec.serviceAccountName);
  });

  interface Policy {
    podSelector: { matchLabels?: Labels };
    policyTypes: string[];
    egress?: { to?: unknown; ports: { port: number }[] }[];
  }
  const policies = ofKind('NetworkPolicy').map(({ spec }) => spec as unknown as Policy);

  test('all traffic is refused first', () =>
    expect(policies).toContainEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] }));

  const portOf = (address: string): number =>
    Number(/^https:[^:]+$/.test(address) ? 443 : address.slice(address.lastIndexOf(':') + 1));
  const kafka = settings.RESCORE_KAFKA_BROKERS.split(',');
  const redis = settings.RESCORE_REDIS_ADDRESSES.split(',');
  const registry = [settings.RESCORE_REGISTRY_URL];
  test.each([
    ['processor', [...kafka, ...redis, ...registry]],
    ['prepare', [...kafka, ...registry]],
    ['archive', [...kafka, 'https://s3.amazonaws.com']],
  ])('%s reaches the ports of its servers, and no others', (workload, addresses) => {
    const own = policies.filter(
      ({ podSelector: { matchLabels } }) => matchLabels && matches(matchLabels).includes(workload),
    );
    const open = own.flatMap(({ egress = [] }) =>
      egress.flatMap(({ ports }) => ports.map(({ port }) => port)),
    );
    expect(new Set(open)).toEqual(new Set(addresses.map(portOf)));
  });
});
