/** Stands in front of a real registry: writes down what was asked, and stops answering on request. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class RegistryProxy {
  /** `GET /schemas/ids/7`, in order. */
  readonly asked: string[] = [];
  readonly authorizations = new Set<string | undefined>();
  /** Takes requests, and answers none. */
  silent = false;
  private waiters: (() => void)[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(target: string): Promise<RegistryProxy> {
    const holder: { proxy?: RegistryProxy } = {};
    const server = createServer((request, response) => void holder.proxy!.pass(target, request, response));
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    holder.proxy = new RegistryProxy(server, `http://127.0.0.1:${port}`);
    return holder.proxy;
  }

  private async pass(target: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.push(`${request.method} ${request.url}`);
    this.authorizations.add(request.headers.authorization);
    for (const waiter of this.waiters.splice(0)) waiter();
    if (this.silent) return;
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts);
    try {
      const answer = await fetch(target + request.url, {
        method: request.method!,
        headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        ...(body.length === 0 ? {} : { body }),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    } catch {
      response.writeHead(502).end();
    }
  }

  /** Resolves when `count` requests have come. */
  async heard(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>(resolve => this.waiters.push(resolve));
  }

  /** From now on connections are refused. */
  async close(): Promise<void> {
    const closed = new Promise(done => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }
}
