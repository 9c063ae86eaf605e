/** The browser of the distribution, where one is installed. Nothing is downloaded. */
import { spawnSync } from 'node:child_process';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Null: there is none. */
export const browser = (): string | null =>
  NAMES.find(name => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0) ?? null;

/** `--no-sandbox`: containers have no user namespaces, and the page is ours. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--hide-scrollbars',
  '--virtual-time-budget=5000',
];

/** Opens a file and returns the DOM that the browser made of it. */
export function domOf(program: string, file: string, flags: readonly string[] = []): string {
  const { status, stdout, stderr } = spawnSync(
    program,
    [...FLAGS, ...flags, '--dump-dom', `file://${file}`],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return stdout;
}
