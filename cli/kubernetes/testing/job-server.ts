/**
 * An HTTPS server that answers for Jobs and one CronJob as the API of Kubernetes does: made once by name, read by name,
 * refused without the token. k8s/cluster.test.ts asks the real one the same questions where it is to be had.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface StoredJob {
  metadata: { name: string; deletionTimestamp?: string; ownerReferences?: object[] };
  spec: Record<string, unknown>;
  status?: object;
}

export interface JobServer {
  env: Record<string, string>;
  /** Token, ca.crt and namespace, as a pod has them. */
  account: string;
  jobs: Map<string, StoredJob>;
  /** Called before each read of a Job, which then goes on: where a test lets time pass. */
  onRead: (job: StoredJob) => void;
  /** Answers with this status while it is set. */
  failing: number | null;
  asked: string[];
  rotateToken(token: string): void;
  close(): Promise<void>;
}

const NAMESPACE = 'nights';
const JOBS = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
const CRONS = `/apis/batch/v1/namespaces/${NAMESPACE}/cronjobs`;

export const hasOpenssl = (): boolean => spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;

function certificate(folder: string): { key: string; cert: string } {
  const { status, stderr } = spawnSync(
    'openssl',
    // prettier-ignore
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj',
      '/CN=api', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'ca.crt'],
    { cwd: folder, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return {
    key: readFileSync(join(folder, 'key.pem'), 'utf8'),
    cert: readFileSync(join(folder, 'ca.crt'), 'utf8'),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/** Serves `template` as the CronJob `replay`. */
export async function openJobServer(template: object): Promise<JobServer> {
  const account = mkdtempSync(join(tmpdir(), 'rescore-account-'));
  let token = 'first';
  const rotateToken = (next: string): void => {
    token = next;
    writeFileSync(join(account, 'token'), `${next}\n`);
  };
  rotateToken(token);
  writeFileSync(join(account, 'namespace'), NAMESPACE);
  const self: JobServer = {
    env: {},
    account,
    jobs: new Map(),
    onRead: () => undefined,
    failing: null,
    asked: [],
    rotateToken,
    close: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
      rmSync(account, { recursive: true });
    },
  };
  const answer = async (request: IncomingMessage): Promise<[number, object]> => {
    const { method, url = '' } = request;
    self.asked.push(`${method} ${url}`);
    if (self.failing !== null) return [self.failing, { message: 'not now' }];
    if (request.headers.authorization !== `Bearer ${token}`) return [401, { message: 'Unauthorized' }];
    if (method === 'GET' && url === `${CRONS}/replay`) return [200, { spec: { jobTemplate: template } }];
    if (method === 'POST' && url === JOBS) {
      const job = JSON.parse(await bodyOf(request)) as StoredJob;
      if (self.jobs.has(job.metadata.name)) return [409, { message: 'already exists' }];
      self.jobs.set(job.metadata.name, job);
      return [201, job];
    }
    const job = self.jobs.get(url.slice(JOBS.length + 1));
    if (method !== 'GET' || job === undefined) return [404, { message: 'not found' }];
    self.onRead(job);
    return [200, job];
  };
  const server = createServer(certificate(account), (request: IncomingMessage, response: ServerResponse) => {
    void answer(request).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  self.env = {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port),
  };
  return self;
}
