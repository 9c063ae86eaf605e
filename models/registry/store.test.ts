/** The contract against a folder and a real S3 server; what only one of them can get wrong. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithServers } from '../../streams/testing/describe';
import { startBucket } from '../../streams/testing/bucket';
import { withClaim } from './claim';
import { openStore } from './open-store';
import { registryStoreContract } from './store.contract';

const root = mkdtempSync(join(tmpdir(), 'rescore-registry-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(root, String(folders));

registryStoreContract(
  'a folder',
  () => {
    folders++;
    return openStore(folder());
  },
  () => openStore(folder()),
);

describe('a folder on a bad day', () => {
  const bytes = (text: string): Buffer => Buffer.from(text);
  /** Of a process that has ended. */
  const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

  beforeEach(() => folders++);

  test('what a crash left unfinished is neither listed nor in the way', async () => {
    const store = openStore(folder());
    await store.swap('a/one', bytes('1'), null);
    writeFileSync(join(folder(), 'a', 'two.of-yesterday.unfinished'), 'half');
    expect(await store.list('')).toEqual(['a/one']);
    await store.swap('a/two', bytes('2'), null);
    expect(await store.list('')).toEqual(['a/one', 'a/two']);
  });

  /** A claim as its holder leaves it when it is killed, with the process id of `pid`. */
  async function leaveClaim(change: (holder: string) => string): Promise<string> {
    const store = openStore(folder());
    await store.swap('current.json', bytes('1'), null);
    const { tag } = (await store.read('current.json', 9))!;
    const claim = join(folder(), `current.json.${tag.slice(0, 16)}.1.claim`);
    let holder = '';
    const reading = new Promise<void>(done => {
      const look = (): void => {
        const there = readdirSync(folder()).find(name => name.endsWith('.claim'));
        if (there === undefined) return void setImmediate(look);
        holder = readFileSync(join(folder(), there), 'utf8');
        done();
      };
      look();
    });
    // A real claim, seen while it is held, says how a holder writes itself down.
    const held = withClaim(join(folder(), 'current.json'), tag, async () => {
      await reading;
      return false;
    });
    await held;
    writeFileSync(claim, change(holder));
    return tag;
  }

  test('a publisher that died with a claim is followed, by one of those who try', async () => {
    const tag = await leaveClaim(holder => holder.replace(/\n\d+\n/, `\n${deadPid()}\n`));
    const won = await Promise.all(
      ['a', 'b', 'c', 'd'].map(text => openStore(folder()).swap('current.json', bytes(text), tag)),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(readdirSync(folder())).toEqual(['current.json']);
  });

  test('one that died and whose process id somebody else has by now is followed too', async () => {
    const tag = await leaveClaim(holder => holder.replace(/\n(\d+)\n\d+\n$/, '\n$1\n1\n'));
    expect(await openStore(folder()).swap('current.json', bytes('2'), tag)).toBe(true);
  });

  test('a claim of a release that did not write when its process began holds as long as that lives', async () => {
    const tag = await leaveClaim(holder => holder.replace(/\d+\n$/, ''));
    expect(await openStore(folder()).swap('current.json', bytes('2'), tag)).toBe(false);
  });

  test('a pipe under the name of an object is refused, and nobody waits for who may write into it', async () => {
    const store = openStore(folder());
    await store.swap('a/one', bytes('1'), null);
    spawnSync('mkfifo', [join(folder(), 'a', 'pipe')]);
    await expect(store.read('a/pipe', 9)).rejects.toMatchObject({ reason: 'it is not a file' });
  });

  test('a publisher that is at work is not disturbed', async () => {
    const tag = await leaveClaim(holder => holder);
    expect(await openStore(folder()).swap('current.json', bytes('2'), tag)).toBe(false);
    expect(readFileSync(join(folder(), 'current.json'), 'utf8')).toBe('1');
  });

  test('a claim of another machine is a question for a person, who is told which file', async () => {
    const tag = await leaveClaim(() => 'elsewhere pid:[1]\n77\n');
    await expect(openStore(folder()).swap('current.json', bytes('2'), tag)).rejects.toMatchObject({
      code: 'registry-claimed',
      artifact: `current.json.${tag.slice(0, 16)}.1.claim`,
      reason: 'process 77 of elsewhere holds it',
    });
  });
});

describe('a server on a bad day', () => {
  const before = { ...process.env };
  const credentials = { AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nothing' };
  let server: Server;
  afterEach(() => {
    for (const name of Object.keys(credentials))
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    server.closeAllConnections();
    server.close();
  });
  async function storeAt(answer: RequestListener) {
    Object.assign(process.env, credentials);
    server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return openStore('s3://shop/models', { endpoint, region: 'us-east-1', silenceMs: 50 });
  }

  test('one that takes the connection and says nothing is an error, not a wait without end', async () => {
    const store = await storeAt(() => undefined);
    await expect(store.read('churn/current.json', 9)).rejects.toMatchObject({
      code: 'registry-unreachable',
      reason: expect.stringContaining('Timeout') as string,
    });
    store.close();
  }, 60_000);

  test('one that was away when it was first asked is asked again', async () => {
    let isAway = true;
    const objects = new Map<string, Buffer>();
    const store = await storeAt((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { url = '', headers } = request;
        const isRefused = headers['if-none-match'] === '*' ? objects.has(url) : true;
        if (!isAway && !isRefused) objects.set(url, Buffer.concat(parts));
        response.writeHead(isAway ? 503 : isRefused ? 412 : 200, { etag: '"1"' }).end();
      });
    });
    const write = () => store.swap('churn/current.json', Buffer.from('x'), null);
    await expect(write()).rejects.toMatchObject({ code: 'registry-unreachable' });
    isAway = false;
    expect(await write()).toBe(true);
    store.close();
  }, 60_000);
});

test('an address without a bucket is refused', () => {
  expect(() => openStore('s3://')).toThrow(/names no bucket/);
});

describeWithServers('S3', () => {
  let bucket: Awaited<ReturnType<typeof startBucket>>;
  let places = 0;
  const here = () => openStore(`s3://${bucket.name}/deep/er/${places}`, bucket.access);
  beforeAll(async () => void (bucket = await startBucket()), 180_000);
  afterAll(() => bucket.stop(), 60_000);

  test('!!! the test server honours If-None-Match and If-Match: without that nothing below means anything', async () => {
    expect(await bucket.conditionalPuts()).toEqual({ ifNoneMatch: 'refused', ifMatch: 'refused' });
  });

  registryStoreContract(
    'a prefix of a bucket',
    () => {
      places++;
      return here();
    },
    here,
  );

  test('a server that ignores the conditions is refused before anything is written', async () => {
    places++;
    const lax = await bucket.withoutConditions();
    const store = openStore(`s3://${bucket.name}/deep/er/${places}`, lax.access);
    await expect(store.swap('churn/current.json', Buffer.from('x'), null)).rejects.toMatchObject({
      code: 'registry-unsafe',
      reason: 'the server ignores If-None-Match and If-Match',
    });
    expect(await here().list('churn/')).toEqual([]);
    store.close();
    await lax.stop();
  });

  test('a bucket that is missing is an error, not an empty registry', async () => {
    const store = openStore('s3://nobody/', bucket.access);
    for (const ask of [
      () => store.read('churn/current.json', 9),
      () => store.list(''),
      () => store.swap('a', Buffer.from('x'), null),
    ])
      await expect(ask()).rejects.toMatchObject({
        code: 'registry-unreachable',
        reason: expect.stringContaining('NoSuchBucket') as string,
      });
    store.close();
  });
});
