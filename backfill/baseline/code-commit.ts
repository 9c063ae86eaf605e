/**
 * Which commit the program is of, for the manifests of what it trains. An image has no git, and a checkout may have been
 * changed since it was compiled, so the build leaves a note (`make build`, Dockerfile); git is asked only about what the note
 * cannot know, and only where this project is its own repository, never one that it merely lies in.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { trainerDirectory } from './trainer';

/** Instead of a commit, where there is none to name. */
export const UNKNOWN = 'unknown';
/** As scripts/commit.sh has it. */
const COMPILED = [
  'schemas',
  'processors',
  'streams',
  'models',
  'backfill',
  'cli',
  ':(exclude)models/baseline',
];
/** Not compiled: it runs as it lies there. */
const TRAINER = 'backfill/trainer/rescore_trainer';

type Git = (...parameters: string[]) => string | null;

/**
 * 40 hex digits, or `unknown` when what runs is not what was committed. `note`: dist/commit.json, which lies above the
 * compiled program and above no other.
 */
export function codeCommit(
  project = join(trainerDirectory(), '..', '..'),
  note = join(__dirname, '..', '..', 'commit.json'),
): string {
  const built = builtCommit(note);
  const git = gitOf(project);
  if (git === null) return built ?? UNKNOWN;
  if (built === null) return git('status', '--porcelain', '--', ...COMPILED) === '' ? head(git) : UNKNOWN;
  return built !== UNKNOWN && git('diff', '--quiet', built, '--', TRAINER) !== null ? built : UNKNOWN;
}

const head = (git: Git): string => git('rev-parse', 'HEAD') ?? UNKNOWN;

/** Null: there is no note. */
function builtCommit(note: string): string | null {
  try {
    const { commit } = JSON.parse(readFileSync(note, 'utf8')) as { commit?: unknown };
    return typeof commit === 'string' && /^[0-9a-f]{40}$/.test(commit) ? commit : UNKNOWN;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : UNKNOWN;
  }
}

/** A git command answers its output, or null where it failed. Null where the folder is no repository of its own. */
function gitOf(project: string): Git | null {
  const { GIT_DIR: _directory, GIT_WORK_TREE: _tree, ...env } = process.env;
  const git: Git = (...parameters) => {
    try {
      return execFileSync('git', parameters, {
        cwd: project,
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    } catch {
      return null;
    }
  };
  const top = git('rev-parse', '--show-toplevel');
  return top !== null && realpathSync(top) === realpathSync(project) ? git : null;
}
