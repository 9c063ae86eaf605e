/**
 * A real control plane without machines: etcd, the API server with its admission, and the controllers of Jobs. No pod ever
 * runs; a test says how each ended. Programs come from the folder that KUBEBUILDER_ASSETS names (`make kubernetes` builds
 * them), and kubectl from the path.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;
const ADMIN = 'administrator-of-a-test';

/** Folder of the programs; null where one is missing. */
export function controlPlanePrograms(): string | null {
  const folder = process.env['KUBEBUILDER_ASSETS'] ?? join(__dirname, '../../.cache/kubernetes');
  const all = PROGRAMS.every(name => existsSync(join(folder, name)));
  return all && spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0
    ? folder
    : null;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

export class ControlPlane {
  private readonly folder = mkdtempSync(join(tmpdir(), 'rescore-kubernetes-'));
  private readonly children: ChildProcess[] = [];
  private port = 0;

  private constructor(private readonly programs: string) {}

  static async start(programs: string): Promise<ControlPlane> {
    const plane = new ControlPlane(programs);
    try {
      await plane.open();
      return plane;
    } catch (error) {
      await plane.close();
      throw error;
    }
  }

  /** What a pod finds in its environment. */
  get env(): Record<string, string> {
    return { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(this.port) };
  }

  /** Standard output of a kubectl that succeeds. */
  kubectl(argv: readonly string[], input?: string): string {
    const { status, stdout, stderr } = this.tryKubectl(argv, input);
    if (status !== 0) throw new Error(`kubectl ${argv.join(' ')}: ${stderr}`);
    return stdout;
  }

  tryKubectl(argv: readonly string[], input?: string) {
    // The folder takes its discovery cache too: another cluster had this port before.
    const global = ['--kubeconfig', join(this.folder, 'config'), '--cache-dir', join(this.folder, 'cache')];
    return spawnSync('kubectl', [...global, ...argv], {
      encoding: 'utf8',
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Waits until `look` gives something, at most a minute. */
  async until<T>(look: () => T | null): Promise<T> {
    for (let tries = 0; tries < 300; tries++) {
      const found = look();
      if (found !== null) return found;
      await delay(200);
    }
    throw new Error(`It did not come to be within a minute. ${this.said()}`);
  }

  /** Token, authority and namespace of a service account, in a folder as a pod has them. */
  account(namespace: string, name: string): string {
    const folder = join(this.folder, `${namespace}-${name}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'token'), this.kubectl(['-n', namespace, 'create', 'token', name]));
    writeFileSync(join(folder, 'ca.crt'), readFileSync(join(this.folder, 'certs', 'apiserver.crt')));
    writeFileSync(join(folder, 'namespace'), namespace);
    return folder;
  }

  async close(): Promise<void> {
    for (const child of this.children.reverse()) {
      const ended = new Promise(resolve => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await ended;
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async open(): Promise<void> {
    const [store, peers, port] = [await freePort(), await freePort(), await freePort()];
    this.port = port;
    const stored = `http://127.0.0.1:${store}`;
    const peer = `http://127.0.0.1:${peers}`;
    // prettier-ignore
    this.run('etcd', ['--data-dir', join(this.folder, 'etcd'), '--listen-client-urls', stored, '--advertise-client-urls', stored,
      '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`, '--unsafe-no-fsync']);
    const key = join(this.folder, 'accounts.pem');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }));
    writeFileSync(join(this.folder, 'tokens.csv'), `${ADMIN},admin,1,"system:masters"\n`);
    // prettier-ignore
    this.run('kube-apiserver', ['--etcd-servers', stored, '--secure-port', String(port), '--bind-address', '127.0.0.1',
      '--cert-dir', join(this.folder, 'certs'), '--service-account-key-file', key, '--service-account-signing-key-file', key,
      '--service-account-issuer', 'https://kubernetes.default.svc', '--token-auth-file', join(this.folder, 'tokens.csv'),
      '--authorization-mode', 'RBAC', '--service-cluster-ip-range', '10.96.0.0/16']);
    const config = join(this.folder, 'config');
    const cluster = { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
    writeFileSync(
      config,
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'it' },
        clusters: [{ name: 'it', cluster }],
        users: [{ name: 'it', user: { token: ADMIN } }],
        contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
      }),
    );
    await this.until(() => (this.tryKubectl(['get', '--raw', '/readyz']).status === 0 ? true : null));
    // prettier-ignore
    this.run('kube-controller-manager', ['--kubeconfig', config, '--service-account-private-key-file', key,
      '--leader-elect=false', '--secure-port', '0']);
  }

  private run(program: (typeof PROGRAMS)[number], argv: readonly string[]): void {
    const log = openSync(join(this.folder, `${program}.log`), 'w');
    this.children.push(spawn(join(this.programs, program), argv, { stdio: ['ignore', log, log] }));
    closeSync(log);
  }

  /** The last lines of each program, for whoever reads a failure. */
  private said(): string {
    return PROGRAMS.map(name => join(this.folder, `${name}.log`))
      .filter(existsSync)
      .map(file => readFileSync(file, 'utf8').split('\n').slice(-4).join('\n'))
      .join('\n');
  }
}
