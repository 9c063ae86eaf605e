/** The rules of the night fire as their own tests say, and look at what k8s/backfill makes. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestsOf } from '../k8s/testing/manifests';

test('name the namespace and the CronJob of k8s/backfill', () => {
  const { kustomization, ofKind } = manifestsOf('backfill');
  const rules = readFileSync(join(__dirname, 'night.yml'), 'utf8');
  const given = (label: string) =>
    new Set([...rules.matchAll(new RegExp(`\\b${label}="([^"]+)"`, 'g'))].map(([, value]) => value));
  expect([...given('namespace')]).toEqual([kustomization.namespace]);
  const scheduled = ofKind('CronJob').filter(({ spec }) => spec!.suspend !== true);
  expect([...given('cronjob')]).toEqual(scheduled.map(({ metadata }) => metadata.name));
});

const hasPromtool = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasPromtool)
  process.stderr.write(
    '\n!!! SKIPPED: the alert rules are tested by promtool (scripts/ci-servers.sh installs it).\n\n',
  );

(hasPromtool ? test : test.skip)('fire when they should, and only then', () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'night.test.yml'], {
    cwd: __dirname,
    encoding: 'utf8',
  });
  expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
});
