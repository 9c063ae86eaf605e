/** Cross-origin rules: trackers run in pages of other origins, and each brings headers of its own. */
import type { FastifyInstance } from 'fastify';

const PREFLIGHT_SECONDS = 86_400;
/** For a preflight that names none. */
const USUAL_HEADERS = 'content-type, authorization, content-encoding, last-event-id';

export function addCors(server: FastifyInstance, origins: readonly string[]): void {
  const isOpen = origins.includes('*');
  server.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined || !(isOpen || origins.includes(origin))) return;
    void reply
      .header('access-control-allow-origin', isOpen ? '*' : origin)
      .header('access-control-expose-headers', 'retry-after')
      .header('vary', 'origin');
    if (request.method !== 'OPTIONS') return;
    // The headers asked for are allowed as they are: keys protect the routes, and a list would lock out the next SDK
    // (RudderStack's sends an AnonymousId header).
    await reply
      .header('access-control-allow-methods', 'POST, GET, OPTIONS')
      .header(
        'access-control-allow-headers',
        request.headers['access-control-request-headers'] ?? USUAL_HEADERS,
      )
      .header('access-control-max-age', PREFLIGHT_SECONDS)
      .header('vary', 'origin, access-control-request-headers')
      .status(204)
      .send();
  });
}
