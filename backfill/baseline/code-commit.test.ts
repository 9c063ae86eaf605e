/** The commit in a manifest: of the build where it left a note, of this project's own checkout otherwise, of nothing else. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { codeCommit } from './code-commit';

const ROOT = join(__dirname, '..', '..');
const BUILT = 'b'.repeat(40);
let outside: string;
let project: string;
let note: string;
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'rescore-commit-'));
  project = join(outside, 'project');
  note = join(project, 'dist', 'commit.json');
  write('backfill/trainer/rescore_trainer/train.py', 'one = 1\n');
  write('processors/core/index.ts', 'export {};\n');
  write('models/baseline/churn/card.md', '# churn\n');
  write('docs/models.md', '# Models\n');
  mkdirSync(join(project, 'scripts'));
  cpSync(join(ROOT, 'scripts', 'commit.sh'), join(project, 'scripts', 'commit.sh'));
});
afterEach(() => rmSync(outside, { recursive: true }));

function write(file: string, content: string): void {
  mkdirSync(dirname(join(project, file)), { recursive: true });
  writeFileSync(join(project, file), content);
}
const identity = ['-c', 'user.name=a test', '-c', 'user.email=test@example.com'];
const git = (cwd: string, ...parameters: string[]): string =>
  execFileSync('git', [...identity, ...parameters], { cwd, encoding: 'utf8' }).trim();
function commit(cwd: string): string {
  git(cwd, 'init', '--quiet');
  git(cwd, 'add', '--all', ':(exclude)dist');
  git(cwd, 'commit', '--quiet', '--allow-empty', '--message', 'all of it');
  return git(cwd, 'rev-parse', 'HEAD');
}
const built = (commitOfBuild: string): void =>
  write('dist/commit.json', JSON.stringify({ commit: commitOfBuild }));
const found = (): string => codeCommit(project, note);
const ofABuild = (): string =>
  execFileSync('bash', [join(project, 'scripts', 'commit.sh')], {
    encoding: 'utf8',
    // Jest's own copy, which a process would not get by itself.
    env: { ...process.env },
  }).trim();

test('without git it is that of the build, and unknown without a build', () => {
  expect([found(), ofABuild()]).toEqual(['unknown', 'unknown']);
  built(BUILT);
  expect(found()).toBe(BUILT);
});

test('never that of a repository around it', () => {
  commit(outside);
  expect([found(), ofABuild()]).toEqual(['unknown', 'unknown']);
  built(BUILT);
  expect(found()).toBe(BUILT);
});

test('never that of a repository that the environment names', () => {
  const other = mkdtempSync(join(tmpdir(), 'rescore-commit-'));
  git(other, 'init', '--quiet');
  const theirs = ['--git-dir', join(other, '.git'), '--work-tree', project];
  // It holds the very same files, so nothing but whose repository it is keeps its HEAD out.
  git(project, ...theirs, 'add', '--all');
  git(project, ...theirs, 'commit', '--quiet', '--message', 'theirs');
  process.env['GIT_DIR'] = join(other, '.git');
  try {
    expect([found(), ofABuild()]).toEqual(['unknown', 'unknown']);
  } finally {
    delete process.env['GIT_DIR'];
    rmSync(other, { recursive: true });
  }
});

test('of a checkout it is HEAD, until something is changed that models are made with', () => {
  const head = commit(project);
  write('docs/models.md', '# Models, again\n');
  write('models/baseline/churn/card.md', '# churn, fitted again\n');
  expect([found(), ofABuild()]).toEqual([head, head]);
  write('processors/core/more.ts', 'export {};\n');
  expect([found(), ofABuild()]).toEqual(['unknown', 'unknown']);
});

test('compiled in a checkout it stays that of the build, unless the trainer was changed since', () => {
  const first = commit(project);
  built(first);
  write('processors/core/index.ts', 'export const later = 1;\n');
  expect(found()).toBe(first);
  commit(project);
  expect(found()).toBe(first);
  write('backfill/trainer/rescore_trainer/train.py', 'one = 2\n');
  expect(found()).toBe('unknown');
  commit(project);
  expect(found()).toBe('unknown');
});

test.each(['', 'main', 'B'.repeat(40), `${BUILT}0`])('a build that says %j says nothing', commitOfBuild => {
  built(commitOfBuild);
  expect(found()).toBe('unknown');
  write('dist/commit.json', `{"commit":"${BUILT}"`);
  expect(found()).toBe('unknown');
});

test('an image is told its commit: the Makefile passes it to every build, and the Dockerfile writes it down', () => {
  const builds = readFileSync(join(ROOT, 'Makefile'), 'utf8').match(/docker build .*/g)!;
  expect(builds).toHaveLength(2);
  for (const build of builds) expect(build).toContain('--build-arg COMMIT="$$(bash scripts/commit.sh)"');
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  const [, writes] = /^ARG COMMIT=unknown\nRUN (.* > dist\/commit\.json)$/m.exec(dockerfile)!;
  mkdirSync(dirname(note));
  for (const given of [BUILT, 'unknown']) {
    execFileSync('sh', ['-c', writes!], { cwd: project, env: { ...process.env, COMMIT: given } });
    expect(JSON.parse(readFileSync(note, 'utf8'))).toEqual({ commit: given });
    expect(found()).toBe(given);
  }
});
