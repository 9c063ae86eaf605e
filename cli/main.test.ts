/** The process of a command ends when the command does. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const PROGRAM = resolve(__dirname, '../dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'rescore-main-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('also when something keeps the event loop alive: with its output whole and its own exit code', async () => {
  const lingering = join(folder, 'lingering.js');
  writeFileSync(lingering, 'setInterval(() => undefined, 1_000);');
  const call = ['-r', lingering, PROGRAM, 'settings'];
  const { stdout } = await promisify(execFile)(process.execPath, call, { cwd: folder, timeout: 60_000 });
  expect(stdout).toContain('kafka.application');
  const wrong = promisify(execFile)(process.execPath, ['-r', lingering, PROGRAM, 'replay'], {
    cwd: folder,
    timeout: 60_000,
  });
  await expect(wrong).rejects.toMatchObject({ code: 2 });
}, 120_000);
