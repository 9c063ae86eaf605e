/**
 * The few questions that we ask a Confluent-compatible registry. Not @kafkajs/confluent-schema-registry: it has no
 * time limit, can't say which subjects an id belongs to, and parses every schema before anybody could look at it.
 */
import type { Clock } from '../../processors/ports';

export interface RegistryAddress {
  /** http or https; user and password in it count when no `username` is given. */
  url: string;
  /** Empty: nobody. */
  username: string;
  password: string;
}

type RegistryErrorCode = 'registry-unreachable' | 'registry-refused' | 'schemas-unregistered';

/** The registry's fault or the set-up's, never a record's: whoever asked may ask again. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  constructor(
    readonly code: RegistryErrorCode,
    message: string,
    /** It did not answer in time: asking again at once would only wait again. */
    readonly timedOut = false,
  ) {
    super(message);
  }
}

export interface RegisteredSchema {
  id: number;
  version: number;
  schema: string;
  /** Absent: AVRO. */
  schemaType?: string;
  references?: readonly unknown[];
}

/** One request may take this long, ms. */
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 4_194_304;
const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';
/** A registry says with these that it has no such subject, version or schema. Any other 404 is no registry. */
const NOT_FOUND = new Set([40401, 40402, 40403, 40408]);

interface Answer {
  status: number;
  json: unknown;
}

const within = (segment: string): string => encodeURIComponent(segment);

export class RegistryClient {
  private readonly base: string;
  private readonly authorization: string | null;
  /** Without user or password: may be printed. */
  readonly shownUrl: string;

  constructor(
    { url, username, password }: RegistryAddress,
    private readonly clock: Clock,
  ) {
    const parsed = new URL(url);
    const user = username === '' ? decodeURIComponent(parsed.username) : username;
    const secret = username === '' ? decodeURIComponent(parsed.password) : password;
    this.authorization = user === '' ? null : `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
    this.base = parsed.origin + parsed.pathname.replace(/\/+$/, '');
    this.shownUrl = this.base;
  }

  /** Subjects that the id is registered under; null for an id that nobody knows. */
  async subjectsOf(id: number): Promise<string[] | null> {
    const found = (await this.get(`/schemas/ids/${id}/versions`)) as { subject: string }[] | null;
    return found === null ? null : found.map(({ subject }) => subject);
  }

  schemaOf(id: number): Promise<Pick<RegisteredSchema, 'schema' | 'schemaType' | 'references'> | null> {
    return this.get(`/schemas/ids/${id}`) as Promise<RegisteredSchema | null>;
  }

  /** The id of this text under this subject; null when it is not registered there. */
  async lookUp(subject: string, schema: string): Promise<{ id: number; version: number } | null> {
    return (await this.ask('POST', `/subjects/${within(subject)}`, { schema })) as RegisteredSchema | null;
  }

  /** All versions of a subject, oldest first. */
  async versionsOf(subject: string): Promise<RegisteredSchema[]> {
    const path = `/subjects/${within(subject)}/versions`;
    const numbers = ((await this.get(path)) ?? []) as number[];
    const versions: RegisteredSchema[] = [];
    for (const version of [...numbers].sort((a, b) => a - b)) {
      const found = (await this.get(`${path}/${version}`)) as RegisteredSchema | null;
      if (found !== null) versions.push(found);
    }
    return versions;
  }

  async register(subject: string, schema: string): Promise<number> {
    const made = await this.ask('POST', `/subjects/${within(subject)}/versions`, { schema });
    if (made === null) throw this.refused('it does not take schemas');
    return (made as { id: number }).id;
  }

  /** Of the subject itself; null where the registry's own level counts. */
  async compatibilityOf(subject: string): Promise<string | null> {
    const config = await this.get(`/config/${within(subject)}?defaultToGlobal=false`);
    return config === null ? null : (config as { compatibilityLevel: string }).compatibilityLevel;
  }

  async setCompatibility(subject: string, compatibility: string): Promise<void> {
    const set = await this.ask('PUT', `/config/${within(subject)}`, { compatibility });
    if (set === null) throw this.refused('it has no compatibility levels');
  }

  private get(path: string): Promise<unknown> {
    return this.ask('GET', path);
  }

  /** null: there is no such thing. @throws RegistryError */
  private async ask(method: string, path: string, body?: object): Promise<unknown> {
    const { status, json } = await this.request(method, path, body);
    if (status >= 200 && status < 300) return json;
    const { error_code: code, message } = (json ?? {}) as { error_code?: number; message?: unknown };
    if (status === 404 && code !== undefined && NOT_FOUND.has(code)) return null;
    const said = typeof message === 'string' ? `: ${message.slice(0, 300)}` : '';
    if (status >= 500) throw this.unreachable(`it answers ${status}${said}`);
    if (status === 404 && code === undefined)
      throw this.refused('it does not answer like a schema registry (404 without an error code)');
    throw this.refused(`it answers ${status}${said}`);
  }

  private async request(method: string, path: string, body?: object): Promise<Answer> {
    const [overdue, done] = [new AbortController(), new AbortController()];
    void this.clock.sleep(TIMEOUT_MS, done.signal).then(() => {
      if (!done.signal.aborted) overdue.abort();
    });
    try {
      const response = await fetch(this.base + path, {
        method,
        headers: {
          accept: MEDIA_TYPE,
          ...(body === undefined ? {} : { 'content-type': MEDIA_TYPE }),
          ...(this.authorization === null ? {} : { authorization: this.authorization }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: overdue.signal,
      });
      return { status: response.status, json: await this.jsonOf(response) };
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      if (overdue.signal.aborted)
        throw this.unreachable(`it did not answer within ${TIMEOUT_MS / 1_000} s`, true);
      throw this.unreachable(reasonOf(error as Error));
    } finally {
      done.abort();
    }
  }

  private async jsonOf(response: Response): Promise<unknown> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      parts.push(part);
      size += part.length;
      if (size > MAX_ANSWER_BYTES) throw this.refused(`it answers with more than ${MAX_ANSWER_BYTES} bytes`);
    }
    try {
      return JSON.parse(Buffer.concat(parts).toString('utf8'));
    } catch {
      if (response.ok) throw this.refused('it does not answer like a schema registry (no JSON)');
      return null;
    }
  }

  private unreachable(why: string, timedOut = false): RegistryError {
    return new RegistryError('registry-unreachable', `The registry at ${this.shownUrl}: ${why}.`, timedOut);
  }

  private refused(why: string): RegistryError {
    return new RegistryError('registry-refused', `The registry at ${this.shownUrl}: ${why}.`);
  }
}

/** Node says only "fetch failed"; why is in the cause. */
function reasonOf({ message, cause }: Error): string {
  if (!(cause instanceof Error)) return message;
  const { code } = cause as NodeJS.ErrnoException;
  return cause.message === '' ? (code ?? message) : cause.message;
}
