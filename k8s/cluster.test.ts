/** Against a real API server and the real controllers of Jobs: what schemas and our own reading of them can't tell. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { runCli } from '../cli/testing/captured-io';
import { systemClock } from '../cli/clock';
import { ControlPlane, controlPlanePrograms } from './testing/control-plane';
import { manifestsOf } from './testing/manifests';

const programs = controlPlanePrograms();
if (programs === null)
  process.stderr.write(
    '\n!!! SKIPPED: k8s/ was not applied to an API server: `make kubernetes` builds one (15 minutes), and kubectl is needed.\n\n',
  );

const SETS = ['base', 'backfill'].map(name => [name, manifestsOf(name)] as const);
const NAMESPACE = 'rescore-backfill';

(programs === null ? describe.skip : describe)('a real control plane', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await ControlPlane.start(programs!);
    for (const [, { folder }] of SETS)
      plane.kubectl(
        ['apply', '--server-side', '--validate=strict', '-f', '-'],
        plane.kubectl(['kustomize', folder]),
      );
  }, 180_000);
  afterAll(() => plane?.close(), 60_000);

  test('took every manifest, unknown fields being errors', () => {
    for (const [, { manifests, kustomization }] of SETS)
      for (const { kind, metadata } of manifests)
        plane.kubectl(['-n', kustomization.namespace, 'get', kind, metadata.name]);
  });

  const pods = SETS.flatMap(([, set]) =>
    set.templates.map(([name, template]) => [name, set, template] as const),
  );
  const pod = (namespace: string, template: object) =>
    stringify({ apiVersion: 'v1', kind: 'Pod', ...template, metadata: { name: 'one', namespace } });
  const offer = (text: string) =>
    plane.tryKubectl(['apply', '--server-side', '--validate=strict', '--dry-run=server', '-f', '-'], text);

  test.each(pods)('admits pods of %s into a namespace with the restricted policy', (_, set, template) => {
    const { status, stderr } = offer(pod(set.kustomization.namespace, template));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('would refuse one that runs as root', () => {
    const [, set, template] = pods[0];
    const root = { ...template, spec: { ...template.spec, securityContext: { runAsUser: 0 } } };
    expect(offer(pod(set.kustomization.namespace, root)).stderr).toMatch(/violates PodSecurity "restricted/);
  });

  test.each([
    ['night', ['create', 'jobs'], 'yes'],
    ['night', ['get', 'jobs'], 'yes'],
    ['night', ['get', 'cronjobs/replay'], 'yes'],
    ['night', ['get', 'cronjobs/night'], 'no'],
    ['night', ['list', 'jobs'], 'no'],
    ['night', ['delete', 'jobs'], 'no'],
    ['night', ['patch', 'jobs'], 'no'],
    ['night', ['create', 'pods'], 'no'],
    ['night', ['get', 'secrets'], 'no'],
    ['night', ['create', 'jobs', '-n', 'rescore'], 'no'],
    ['replay', ['get', 'jobs'], 'no'],
    ['replay', ['create', 'jobs'], 'no'],
  ])('may %s %j: %s', (name, [verb, what, ...where], answer) => {
    const as = ['--as', `system:serviceaccount:${NAMESPACE}:${name}`];
    const asked = ['auth', 'can-i', verb, what, ...as, ...(where.length > 0 ? where : ['-n', NAMESPACE])];
    expect(plane.tryKubectl(asked).stdout.trim()).toBe(answer);
  });

  describe('rescore backfill replay-job', () => {
    interface Pod {
      metadata: { name: string; annotations: Record<string, string> };
      spec: { containers: { args: string[]; env: { name: string }[] }[] };
    }
    let folder: string;
    let account: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'rescore-run-'));
      writeFileSync(join(folder, 'plan.json'), JSON.stringify({ items: [{}, {}, {}] }));
      account = plane.account(NAMESPACE, 'night');
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    const get = (...argv: string[]) =>
      JSON.parse(plane.kubectl(['-n', NAMESPACE, 'get', ...argv, '-o', 'json'])) as never;
    /** Pods of a night that have not ended, once there are `count`. */
    const waiting = (night: string, count: number) =>
      plane.until(() => {
        const { items } = get('pods', '-l', `night=${night}`, '--field-selector', 'status.phase=Pending') as {
          items: Pod[];
        };
        return items.length === count ? items : null;
      });
    const end = ({ metadata }: Pod, phase: 'Succeeded' | 'Failed') =>
      plane.kubectl(
        // prettier-ignore
        ['-n', NAMESPACE, 'patch', 'pod', metadata.name, '--subresource', 'status', '--type', 'merge', '-p',
          JSON.stringify({ status: { phase } })],
      );
    const indexOf = ({ metadata }: Pod): string =>
      metadata.annotations['batch.kubernetes.io/job-completion-index'];

    /** The night's own Job, as its CronJob makes it, and the command that its second container runs. */
    function begin(night: string) {
      plane.kubectl(['-n', NAMESPACE, 'create', 'job', night, '--from=cronjob/night']);
      const { metadata } = get('job', night) as { metadata: { uid: string } };
      return runCli(
        // prettier-ignore
        ['--json', 'backfill', 'replay-job', '--run', folder, '--night', night, '--uid', metadata.uid, '--account', account],
        { cwd: folder, env: plane.env, clock: { ...systemClock, sleep: () => systemClock.sleep(200) } },
      );
    }

    test('a pod for each item, each with its index; an item that failed is tried again', async () => {
      const running = begin('night-1');
      const pods = await waiting('night-1', 3);
      expect(pods.map(indexOf).sort()).toEqual(['0', '1', '2']);
      const [{ args, env }] = pods[0].spec.containers;
      expect(args.slice(-2)).toEqual(['--item', '$(JOB_COMPLETION_INDEX)']);
      expect(env.map(({ name }) => name)).toEqual(expect.arrayContaining(['NIGHT', 'JOB_COMPLETION_INDEX']));
      for (const pod of pods) end(pod, indexOf(pod) === '1' ? 'Failed' : 'Succeeded');
      const [again] = await waiting('night-1', 1);
      expect(indexOf(again)).toBe('1');
      end(again, 'Succeeded');
      const { code, stdout } = await running;
      expect([code, JSON.parse(stdout)]).toEqual([0, { job: 'night-1-replay-1', items: 3 }]);
    }, 180_000);

    test('what a night made goes when the night goes', async () => {
      plane.kubectl(['-n', NAMESPACE, 'delete', 'job', 'night-1', '--wait=false']);
      await plane.until(() => ((get('jobs') as { items: unknown[] }).items.length === 0 ? true : null));
    }, 120_000);
  });
});
