/** The API of the Kubernetes cluster that this process runs in, as the service account of its pod. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { CliError } from '../errors';

export interface Answer {
  status: number;
  /** Parsed JSON; of a refusal a `Status` with a `message`. */
  body: unknown;
}

export interface ClusterApi {
  readonly namespace: string;
  get(path: string): Promise<Answer>;
  post(path: string, body: object): Promise<Answer>;
}

/** Where Kubernetes puts token, authority and namespace of a service account. */
export const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

const ANSWER_LIMIT_BYTES = 4 << 20;
const TIMEOUT_MS = 20_000;

interface Place {
  address: string;
  authority: Buffer;
  token: () => string;
}

function ask(at: Place, method: string, path: string, sent: string | null): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${at.token()}`,
      accept: 'application/json',
      ...(sent === null ? {} : { 'content-type': 'application/json' }),
    };
    const asked = request(
      new URL(path, at.address),
      { method, headers, ca: at.authority, timeout: TIMEOUT_MS },
      answer => {
        const parts: Buffer[] = [];
        let size = 0;
        answer.on('data', (part: Buffer) => {
          size += part.length;
          if (size > ANSWER_LIMIT_BYTES) answer.destroy(new Error('the answer is too large'));
          else parts.push(part);
        });
        answer.on('error', reject);
        answer.on('end', () => {
          try {
            const text = Buffer.concat(parts).toString('utf8');
            resolve({ status: answer.statusCode!, body: text === '' ? null : JSON.parse(text) });
          } catch (error) {
            reject(error as Error);
          }
        });
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`no answer for ${TIMEOUT_MS / 1_000} s`)));
    asked.on('error', reject);
    asked.end(sent ?? undefined);
  });
}

/** @throws CliError cluster-missing: this is no pod, or it was given no token */
export function openClusterApi(
  env: Readonly<Record<string, string | undefined>>,
  folder: string = ACCOUNT_FOLDER,
): ClusterApi {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host === undefined)
    throw new CliError(
      'cluster-missing',
      'KUBERNETES_SERVICE_HOST is not set: this is no pod of Kubernetes.',
    );
  const read = (name: string): Buffer => {
    try {
      return readFileSync(join(folder, name));
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      throw new CliError('cluster-missing', `${join(folder, name)} cannot be read (${code}).`);
    }
  };
  const place: Place = {
    address: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    authority: read('ca.crt'),
    // Tokens end after an hour or so; the kubelet writes a new one into the same file before that.
    token: () => read('token').toString('utf8').trim(),
  };
  return {
    namespace: read('namespace').toString('utf8').trim(),
    get: path => ask(place, 'GET', path, null),
    post: (path, body) => ask(place, 'POST', path, JSON.stringify(body)),
  };
}
