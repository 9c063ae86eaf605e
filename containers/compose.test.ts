/** docker-compose.yml against what it repeats: names of images, of settings and of files; and what nobody may weaken. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { environmentName, FIELD_NAMES, readSettings } from '../cli/settings';
import { packageRoot } from '../streams/package-root';
import { PINNED } from '../streams/testing/images';

interface Service {
  image: string;
  environment?: Record<string, string | number>;
  volumes?: string[];
  ports?: string[];
  networks: string[];
  restart: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  tmpfs?: string[];
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const read = (text: string): Compose => parse(text, { merge: true }) as Compose;
const text = readFileSync(join(packageRoot(), 'docker-compose.yml'), 'utf8');
const compose = read(text);
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image.includes('rescore'));

/** `${NAME:-value}` and `${NAME-value}` as they are where nobody sets NAME. */
const withDefaults = (value: string | number): string =>
  String(value).replace(/\$\{[A-Z0-9_]+:?-([^}]*)\}/g, '$1');

test('servers that tests start too have the same pinned images, under the same variables', () => {
  const named = new Map(services.map(([name, { image }]) => [name, image]));
  for (const name of ['kafka', 'redis', 'registry'] as const)
    expect(named.get(name)).toBe(`\${IMAGE_${name.toUpperCase()}:-${PINNED[name]}}`);
});

test('every image is pinned to a version', () => {
  for (const [, { image }] of services) expect(withDefaults(image)).toMatch(/^[^:]+:(?!latest)[\w.-]+$/);
});

describe.each(ours)('%s', (_name, { environment = {}, ...service }) => {
  const rescore = Object.entries(environment).filter(([name]) => name.startsWith('RESCORE_'));

  test('has settings that exist and that are accepted', () => {
    const known = new Set(FIELD_NAMES.map(environmentName));
    expect(rescore.map(([name]) => name).filter(name => !known.has(name))).toEqual([]);
    const env = Object.fromEntries(rescore.map(([name, value]) => [name, withDefaults(value)]));
    expect(readSettings(env, null).problems).toEqual([]);
  });

  test('may change nothing but memory, gains no rights, and comes back', () => {
    expect(service).toMatchObject({
      read_only: true,
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(service.restart).toMatch(/^(unless-stopped|on-failure)$/);
  });
});

test('processors have names of their own and longer to stop than their lanes need', () => {
  const processors = ours.filter(([name]) => name.startsWith('processor'));
  const names = processors.map(([, { environment }]) => environment!['RESCORE_KAFKA_INSTANCE']);
  expect(new Set(names).size).toBe(processors.length);
  expect(processors.length).toBeGreaterThan(1);
  for (const [, { stop_grace_period: grace }] of processors) expect(parseInt(grace!, 10)).toBeGreaterThan(10);
});

test('nothing listens outside this machine, and no two at the same port', () => {
  const published = services.flatMap(([, { ports = [] }]) => ports.map(withDefaults));
  for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  const outside = published.map(port => port.split(':')[1]);
  expect(new Set(outside).size).toBe(outside.length);
});

test('what is mounted is there, what is waited for is a service with a health check', () => {
  for (const [, { volumes = [], depends_on: needs = {} }] of services) {
    for (const [source] of volumes.map(volume => volume.split(':') as [string]))
      if (source.startsWith('.')) expect(existsSync(join(packageRoot(), source))).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    for (const [name, { condition }] of Object.entries(needs)) {
      const needed = compose.services[name];
      expect(needed).toBeDefined();
      if (condition === 'service_healthy') expect(needed!.healthcheck?.test).toBeDefined();
    }
  }
});
