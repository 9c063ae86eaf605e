/** What the collector refuses, and in which words. */
import { gzipSync } from 'node:zlib';
import { end, post, start } from './testing/running';
import type { Running } from './testing/running';

describe('a collector', () => {
  let running: Running;
  beforeAll(async () => void (running = await start()));
  afterAll(() => end(running));

  const large = 'x'.repeat(40_000);
  test.each([
    ['no JSON', '/v1/track', '{', {}, 400, 'malformed-json', 'The body is not JSON. Send one JSON object.'],
    [
      'a list',
      '/v1/track',
      '[]',
      {},
      400,
      'malformed-json',
      'The body is not a JSON object. Send one JSON object.',
    ],
    [
      'null',
      '/v1/page',
      'null',
      {},
      400,
      'malformed-json',
      'The body is not a JSON object. Send one JSON object.',
    ],
    [
      'another type',
      '/v1/page',
      '{"type":"track"}',
      {},
      400,
      'wrong-type',
      'type is "track", the path says page. Send the type that the path names, or leave it out.',
    ],
    [
      'no event name',
      '/v1/track',
      '{"userId":"a"}',
      {},
      400,
      'missing-event',
      'event is missing from a track call; send its name.',
    ],
    [
      'a user id that is an object',
      '/v1/page',
      '{"userId":{}}',
      {},
      400,
      'malformed-field',
      'userId is {}; send text.',
    ],
    [
      'a broken time',
      '/v1/page',
      '{"userId":"a","sentAt":"soon"}',
      {},
      400,
      'malformed-time',
      'sentAt is "soon"; send an ISO 8601 time such as 2026-01-31T12:00:00Z, or milliseconds.',
    ],
    [
      'a rating in words',
      '/v1/track',
      '{"userId":"a","event":"Gig Rated","properties":{"rating":"good"}}',
      {},
      400,
      'malformed-field',
      'properties.rating is "good"; send a number.',
    ],
    [
      'properties in a list',
      '/v1/track',
      '{"userId":"a","event":"X","properties":[1]}',
      {},
      400,
      'malformed-field',
      'properties is [1]; send an object.',
    ],
    [
      'an empty batch',
      '/v1/batch',
      '{"batch":[]}',
      {},
      400,
      'malformed-batch',
      'batch is not a list of messages. Send {"batch": [...]} with at least one message.',
    ],
    [
      'no batch',
      '/v1/batch',
      '{}',
      {},
      400,
      'malformed-batch',
      'batch is not a list of messages. Send {"batch": [...]} with at least one message.',
    ],
    [
      'an event that is too large',
      '/v1/track',
      `{"userId":"a","event":"X","properties":{"note":"${large}"}}`,
      {},
      400,
      'event-too-large',
      'the event has 40066 bytes, at most 32768 are taken. Send a smaller event, or raise collector.maxEventKilobytes.',
    ],
    [
      'an unknown encoding',
      '/v1/page',
      '{}',
      { 'content-encoding': 'br' },
      400,
      'malformed-encoding',
      'Content-Encoding is br. Send the body plain or with Content-Encoding: gzip.',
    ],
    [
      'no gzip',
      '/v1/page',
      '{}',
      { 'content-encoding': 'gzip' },
      400,
      'malformed-encoding',
      'The body is not gzip, although Content-Encoding says so. Send the body plain or with Content-Encoding: gzip.',
    ],
    [
      'another path',
      '/v1/import',
      '{}',
      {},
      404,
      'unknown-route',
      'There is no POST /v1/import. docs/http.md lists the routes.',
    ],
  ])('refuses %s', async (_what, path, body, headers, status, code, message) => {
    const response = await post(running, path, body, headers as Record<string, string>);
    expect([response.status, await response.json()]).toEqual([status, { success: false, code, message }]);
  });

  test('refuses a body that opens to more than the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000, 32));
    const response = await post(running, '/v1/batch', bomb, { 'content-encoding': 'gzip' });
    expect([response.status, await response.json()]).toEqual([
      413,
      {
        success: false,
        code: 'body-too-large',
        message:
          'The body opens to more than 524288 bytes. Send smaller batches, or raise collector.maxBodyKilobytes.',
      },
    ]);
  });
});
