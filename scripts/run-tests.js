'use strict';
/**
 * Runs the checks and every test side by side, then prints one plain line that is counted from the runner's own report.
 * Tests that do no harm to their broker share one, which is started here: each costs some seconds of processor
 * before it answers.
 */
const { Buffer } = require('node:buffer');
const { spawn } = require('node:child_process');
const { existsSync, readFileSync, rmSync } = require('node:fs');
const path = require('node:path');
const { hasEngine, startKafka } = require('../dist/streams/testing/servers');

const root = path.join(__dirname, '..');
const report = path.join(root, 'reports', 'jest.json');

/** Resolves with the exit code and, when `stdio` is a pipe, what was said. */
function run(command, args, { env, stdio = 'inherit' } = {}) {
  const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, FORCE_COLOR: '0', ...env } });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => said.push(chunk));
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', code => done({ code: code ?? 1, said: Buffer.concat(said).toString() }));
  });
}

/** Its words come in one piece, not between those of the tests. */
async function check() {
  const { code, said } = await run('make', ['--no-print-directory', 'check-code'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  console.log(`make check-code: ${code === 0 ? 'passed' : `failed\n${said}`}`);
  return code;
}

/** Room for young objects in every process of the tests, as in production: an eighth less processor time. */
const NODE_OPTIONS = `${process.env['NODE_OPTIONS'] ?? ''} --max-semi-space-size=64`.trim();

async function test() {
  const broker = hasEngine() ? await startKafka() : null;
  const env = { NODE_OPTIONS, ...(broker !== null && { TEST_KAFKA_BROKERS: broker.brokers.join(',') }) };
  const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  try {
    const args = [jest, '--json', `--outputFile=${report}`, ...process.argv.slice(2)];
    return (await run(process.execPath, args, { env })).code;
  } finally {
    await broker?.stop();
  }
}

async function main() {
  rmSync(report, { force: true });
  const [checked, tested] = await Promise.all([check(), test()]);
  if (!existsSync(report)) throw new Error('The test runner left no report, so nothing is counted.');
  const counts = JSON.parse(readFileSync(report, 'utf8'));
  const skipped = counts.numPendingTests + counts.numTodoTests;
  const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites + (checked === 0 ? 0 : 1);
  if (checked !== 0) console.error('make check-code failed: it counts as one failure.');
  if (skipped > 0) console.warn(`${skipped} tests did not run: the lines above say what they need.`);
  console.log(`${counts.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
  const good = failed === 0 && tested === 0 && counts.numFailedTestSuites === 0 && counts.numPassedTests > 0;
  process.exitCode = good ? 0 : 1;
}

main().catch(error => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
