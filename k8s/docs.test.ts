/** The overlays of docs/kubernetes.md are built as they stand there, and change what they say they change. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './testing/manifests';

const page = readFileSync(join(ROOT, 'docs/kubernetes.md'), 'utf8');
/** Blocks of YAML, without the indentation of a list that they stand in. */
const overlays = [...page.matchAll(/^( *)```yaml\n([\s\S]*?)^ *```$/gm)]
  .map(([, indent, block]) => block.replace(new RegExp(`^${indent}`, 'gm'), ''))
  .filter(block => block.includes('kind: Kustomization'));

const hasKubectl = spawnSync('kubectl', ['kustomize', '--help'], { stdio: 'ignore' }).status === 0;
if (!hasKubectl)
  process.stderr.write('\n!!! SKIPPED: there is no kubectl to build the overlays of the docs with.\n\n');

test('there is one for the processors, and one for the night', () =>
  expect(overlays.map(text => /^resources: \[\.\.\/(\w+)\]$/m.exec(text)![1])).toEqual(['base', 'backfill']));

(hasKubectl ? test.each(overlays) : test.skip.each(overlays))('kubectl builds overlay %#', overlay => {
  const folder = mkdtempSync(join(tmpdir(), 'rescore-overlay-'));
  try {
    for (const name of ['base', 'backfill'])
      cpSync(join(ROOT, 'k8s', name), join(folder, name), { recursive: true });
    mkdirSync(join(folder, 'my-shop'));
    writeFileSync(join(folder, 'my-shop', 'kustomization.yaml'), overlay);
    const built = spawnSync('kubectl', ['kustomize', join(folder, 'my-shop')], { encoding: 'utf8' });
    expect({ status: built.status, stderr: built.stderr }).toEqual({ status: 0, stderr: '' });
    const images = [...built.stdout.matchAll(/^ +image: (.*)$/gm)].map(([, image]) => image);
    expect(images.length).toBeGreaterThan(2);
    for (const image of images) expect(image).toMatch(/^registry\.my-shop\.example\//);
    // No address of ours is left but those that an overlay has no reason to name.
    const ours = /s3:\/\/example-rescore|registry\.example\.com|: shared-files/;
    expect(built.stdout.split('\n').filter(line => ours.test(line))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
