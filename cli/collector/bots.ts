/**
 * Who is a bot: the maintained list of `isbot`, without its patterns for HTTP libraries. Those are crawlers to a web
 * site, but here they are servers that send their own events.
 */
import { createIsbotFromList, list } from 'isbot';

const SERVER_SIDE = [
  'curl/8.5.0',
  'Wget/1.21',
  'python-requests/2.31.0',
  'python-urllib3/2.0',
  'Python/3.11 aiohttp/3.9',
  'axios/1.6.0',
  'node-fetch/1.0',
  'node',
  'undici',
  'got (https://github.com/sindresorhus/got)',
  'Go-http-client/1.1',
  'okhttp/4.12.0',
  'Java/17.0.2',
  'Apache-HttpClient/4.5.14 (Java/17)',
  'Ruby',
  'Faraday v2.7',
  'PHP/8.2',
  'GuzzleHttp/7',
  'PostmanRuntime/7.36.0',
  'analytics-node/1.1.0',
  'analytics-python/2.2.3',
  'analytics-java/3.4.0',
  'libcurl/7.1',
  'reqwest/0.11',
];

const patterns = list.filter(pattern => !SERVER_SIDE.some(agent => new RegExp(pattern, 'i').test(agent)));

/** Also null and empty are no bots: plenty of servers send no user agent. */
export const isBot = createIsbotFromList(patterns);
