'use strict';
// Runs the checks and every test, then prints one plain line that is counted from the runner's own report.
const { spawnSync } = require('node:child_process');
const { existsSync, readFileSync, rmSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const report = path.join(root, 'reports', 'jest.json');
const run = (command, args) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, FORCE_COLOR: '0' } })
    .status ?? 1;

const checked = run('make', ['--no-print-directory', 'check']);
rmSync(report, { force: true });
const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const tested = run(process.execPath, [jest, '--json', `--outputFile=${report}`, ...process.argv.slice(2)]);

if (!existsSync(report)) {
  console.error('The test runner left no report, so nothing is counted.');
  process.exit(1);
}
const {
  numPassedTests,
  numFailedTests,
  numPendingTests,
  numTodoTests,
  numFailedTestSuites,
  numRuntimeErrorTestSuites,
} = JSON.parse(readFileSync(report, 'utf8'));
const skipped = numPendingTests + numTodoTests;
const failed = numFailedTests + numRuntimeErrorTestSuites + (checked === 0 ? 0 : 1);
if (checked !== 0) console.error('make check failed: it counts as one failure.');
if (skipped > 0) console.warn(`${skipped} tests did not run: the lines above say what they need.`);
console.log(`${numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 && tested === 0 && numFailedTestSuites === 0 && numPassedTests > 0 ? 0 : 1);
