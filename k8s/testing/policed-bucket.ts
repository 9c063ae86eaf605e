/**
 * A bucket in this process that answers as S3 does to a role of the template: what no statement allows is refused. It knows
 * the requests of streams/bucket alone: lists, reads, and writes with or without a condition.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { statementsOf } from './template';

/** What a request says of itself; a key that it lacks is absent. */
type Said = Readonly<Record<string, string>>;
interface Answer {
  status: number;
  body?: Buffer | string;
  tag?: string;
}

/** `*` stands for any text. */
const isLike = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(text);

/** The two conditions that the template has of S3 and of its key. @throws Error for another one */
function holds(operator: string, key: string, wanted: string, said: Said): boolean {
  const value = said[key];
  if (operator === 'StringLikeIfExists') return value === undefined || isLike(wanted, value);
  if (operator === 'StringEquals') return value === wanted;
  throw new Error(`${operator} is not known here`);
}

/** Whether a statement of the role allows it, as IAM decides: nothing is allowed that none names. */
export const mayRole = (role: string, action: string, resource: string, said: Said): boolean =>
  statementsOf(role).some(
    ({ Action, Resource, Condition = {} }) =>
      [Action].flat().includes(action) &&
      [Resource].flat().some(pattern => isLike(pattern, resource)) &&
      Object.entries(Condition as Record<string, Record<string, string>>).every(([operator, wanted]) =>
        Object.entries(wanted).every(([key, value]) => holds(operator, key, value, said)),
      ),
  );

const error = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
});
const tagOf = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`;

/** What S3 says to the key of the bucket. */
const VIA_S3 = { 'kms:ViaService': 's3.${AWS::Region}.amazonaws.com' };

export class PolicedBucket {
  readonly objects = new Map<string, Buffer>();
  /** `action folder` of everything that was asked for and allowed. */
  readonly used = new Set<string>();
  readonly refused = new Set<string>();
  private role = '';
  private readonly server = createServer((request, response) => {
    void this.answer(request).then(({ status, body = '', tag }) => {
      const headers = {
        'content-length': Buffer.byteLength(body),
        ...(tag === undefined ? {} : { etag: tag }),
      };
      response.writeHead(status, headers).end(body);
    });
  });

  /** Its address, for s3Endpoint. */
  async open(): Promise<string> {
    await new Promise<void>(done => this.server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Whoever asks from now on has this role. */
  as(role: string): void {
    this.role = role;
    this.used.clear();
    this.refused.clear();
  }

  private may(action: string, key: string | null, said: Said = {}): boolean {
    const place = (key ?? said['s3:prefix'])?.split('/')[0] ?? '';
    const resource = key === null ? 'Bucket.Arn' : `\${Bucket.Arn}/${key}`;
    const allowed = mayRole(this.role, action, resource, said);
    (allowed ? this.used : this.refused).add(`${action} ${place}`.trim());
    return allowed;
  }

  private mayKey(action: string): boolean {
    const allowed = mayRole(this.role, action, 'Key.Arn', VIA_S3);
    (allowed ? this.used : this.refused).add(action);
    return allowed;
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url!, 'http://bucket');
    const key = decodeURIComponent(pathname).split('/').slice(2).join('/');
    if (request.method === 'PUT') return this.put(key, await buffer(request), request.headers);
    return key === '' ? this.list(searchParams.get('prefix') ?? '') : this.get(key);
  }

  private list(prefix: string): Answer {
    if (!this.may('s3:ListBucket', null, { 's3:prefix': prefix })) return error(403, 'AccessDenied');
    const keys = [...this.objects.keys()].filter(key => key.startsWith(prefix)).sort();
    const contents = keys.map(key => `<Contents><Key>${key}</Key></Contents>`).join('');
    return { status: 200, body: `<?xml version="1.0"?><ListBucketResult>${contents}</ListBucketResult>` };
  }

  private get(key: string): Answer {
    if (!this.may('s3:GetObject', key)) return error(403, 'AccessDenied');
    const found = this.objects.get(key);
    // That an object is missing is told to those who may list.
    if (found === undefined)
      return this.may('s3:ListBucket', null) ? error(404, 'NoSuchKey') : error(403, 'AccessDenied');
    if (!this.mayKey('kms:Decrypt')) return error(403, 'AccessDenied');
    return { status: 200, body: found, tag: tagOf(found) };
  }

  private put(key: string, bytes: Buffer, headers: IncomingMessage['headers']): Answer {
    const there = this.objects.get(key);
    const { 'if-match': match, 'if-none-match': none } = headers;
    // A condition on what is there takes the right to read it.
    if (!this.may('s3:PutObject', key) || (match !== undefined && !this.may('s3:GetObject', key)))
      return error(403, 'AccessDenied');
    if (!this.mayKey('kms:GenerateDataKey')) return error(403, 'AccessDenied');
    if (none === '*' && there !== undefined) return error(412, 'PreconditionFailed');
    if (match !== undefined && there === undefined) return error(404, 'NoSuchKey');
    if (match !== undefined && there !== undefined && tagOf(there) !== match)
      return error(412, 'PreconditionFailed');
    this.objects.set(key, bytes);
    return { status: 200, tag: tagOf(bytes) };
  }
}
