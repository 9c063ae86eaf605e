/** Our own images, built from the Dockerfile as `make images` does. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { packageRoot } from '../package-root';
import { IMAGES, NODE_STAND_IN } from './images';

/** Standard output of a docker command that succeeds. */
export async function docker(...argv: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', argv, { cwd: packageRoot(), maxBuffer: 1 << 26 });
  return stdout.trim();
}

const has = (image: string): Promise<boolean> =>
  docker('image', 'inspect', image).then(
    () => true,
    () => false,
  );

/** Builds `target`. Where the real base can't be pulled, scripts/stand-ins.sh has built one under a name of its own. */
export async function buildImage(target: 'processor' | 'backfill', tag: string): Promise<void> {
  const base = (await has(IMAGES.node)) || !(await has(NODE_STAND_IN)) ? IMAGES.node : NODE_STAND_IN;
  const from = ['--build-arg', `NODE_IMAGE=${base}`];
  await docker('build', '-q', '--network', 'host', '--target', target, ...from, '-t', tag, '.');
}
