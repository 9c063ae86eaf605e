/** What holds of every folder of manifests: they are Kubernetes', and agree with the program, its settings and its image. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentName, FIELD_NAMES, FIELDS, readSettings } from '../../cli/settings';
import { problemOfCommand } from './commands';
import { argumentsOf, ROOT, type Container, type Labels, type Manifests } from './manifests';
import { problemsOf } from './schema';

const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

/** What `instruction` says, the same wherever it stands in the Dockerfile. */
export const given = (instruction: RegExp): string => {
  const found = new Set([...dockerfile.matchAll(instruction)].map(([, said]) => said));
  if (found.size !== 1) throw new Error(`${instruction} says ${found.size} things`);
  return [...found][0];
};

const hasKubectl = spawnSync('kubectl', ['kustomize', '--help'], { stdio: 'ignore' }).status === 0;

function schemaLaws({ folder, files, manifests, kustomization }: Manifests): void {
  test.each(manifests.map(one => [`${one.kind} ${one.metadata.name}`, one] as const))('%s', (_, one) =>
    expect(problemsOf(one)).toEqual([]),
  );

  test('kustomize is given every file', () => expect([...kustomization.resources].sort()).toEqual(files));

  if (!hasKubectl) process.stderr.write(`\n!!! SKIPPED: there is no kubectl to build ${folder} with.\n\n`);
  (hasKubectl ? test : test.skip)('kubectl builds the folder', () => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.match(/^kind:/gm)).toHaveLength(manifests.length);
    // Templates of Jobs included.
    const { newName, newTag } = kustomization.images[0];
    const images = [...stdout.matchAll(/^ +image: (.*)$/gm)].map(([, image]) => image);
    expect(new Set(images)).toEqual(new Set([`${newName}:${newTag}`]));
  });
}

function settingLaws(set: Manifests): void {
  /** What a container's environment would be, with secrets of no meaning. */
  const environmentOf = ({ env = [], envFrom = [] }: Container): Record<string, string> => {
    const all = Object.assign(
      {},
      ...envFrom.map(({ configMapRef }) => set.settingsOf(configMapRef.name)),
    ) as Labels;
    for (const { name, value } of env) all[name] = value ?? 'given-elsewhere';
    return all;
  };

  test.each(set.containers)('%s is given settings that exist, with values they may have', (_, container) => {
    expect(readSettings(environmentOf(container), null).problems).toEqual([]);
  });

  test('no secret stands in a ConfigMap', () => {
    const secrets = FIELD_NAMES.filter(name => FIELDS[name].secret).map(environmentName);
    expect(secrets.length).toBeGreaterThan(3);
    for (const { data = {} } of set.ofKind('ConfigMap'))
      expect(secrets.filter(name => name in data)).toEqual([]);
  });

  test.each(set.containers)('%s takes each secret from the key of its name', (_, { env = [] }) => {
    for (const { name, valueFrom } of env)
      if (valueFrom?.secretKeyRef) expect(valueFrom.secretKeyRef.key).toBe(name);
  });
}

function podLaws(set: Manifests): void {
  test.each(set.templates)('%s runs as the user of the image, and may do nothing else', (_, { spec }) => {
    const [user, group] = given(/^USER (\d\S*)$/gm)
      .split(':')
      .map(Number);
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: group,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
  });

  test.each(set.containers)('%s cannot change its image, nor gain rights, nor take all memory', (_, one) => {
    expect(one.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(one.resources).toMatchObject({
      requests: { cpu: expect.anything(), memory: expect.any(String) },
      limits: { memory: expect.any(String) },
    });
  });

  test('every account that a pod uses is there', () => {
    const accounts = set.ofKind('ServiceAccount').map(({ metadata }) => metadata.name);
    for (const [, { spec }] of set.templates) expect(accounts).toContain(spec.serviceAccountName);
  });
}

function networkLaws(set: Manifests, ports: Readonly<Record<string, readonly number[]>>): void {
  interface Policy {
    podSelector: { matchLabels?: Labels };
    policyTypes: string[];
    egress?: { to?: unknown; ports: { port: number }[] }[];
  }
  const policies = set.ofKind('NetworkPolicy').map(({ spec }) => spec as unknown as Policy);

  test('all traffic is refused first', () =>
    expect(policies).toContainEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] }));

  test('every workload is expected here', () =>
    expect(Object.keys(ports).sort()).toEqual(set.templates.map(([name]) => name).sort()));

  test.each(Object.entries(ports))('%s reaches the ports of its servers, and no others', (workload, own) => {
    const open = policies
      .filter(
        ({ podSelector: { matchLabels } }) => matchLabels && set.matches(matchLabels).includes(workload),
      )
      .flatMap(({ egress = [] }) => egress.flatMap(one => one.ports.map(({ port }) => port)));
    expect(new Set(open)).toEqual(new Set(own));
  });
}

/**
 * The tests. `image` is the name that the kustomization gives a repository and a tag; `ports` are those of the servers
 * that each workload asks.
 */
export function lawsOf(
  set: Manifests,
  image: string,
  ports: Readonly<Record<string, readonly number[]>>,
): void {
  describe('schemas of Kubernetes', () => schemaLaws(set));
  describe('settings', () => settingLaws(set));
  describe('pods', () => podLaws(set));
  describe('network', () => networkLaws(set, ports));

  test('the image is that of the package, in its version', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(set.kustomization.images).toEqual([expect.objectContaining({ name: image, newTag: version })]);
    expect(new Set(set.containers.map(([, one]) => one.image))).toEqual(new Set([image]));
  });

  const commands = set.containers.flatMap(([name, container]) => {
    const args = argumentsOf(container);
    return args === null ? [] : [[name, args] as const];
  });
  test.each(commands)('%s: its arguments are a command with its options', async (_, args) =>
    expect(await problemOfCommand(args)).toBeNull(),
  );
}
