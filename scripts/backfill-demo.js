'use strict';
/**
 * `make backfill-demo`: the nightly job with the real commands. A world of customers is replayed into an embedded
 * state, its log becomes an archive, the archive becomes models, and a running `rescore run --embedded` takes them up.
 * Everything lies in one folder (default: .rescore/backfill-demo), which is made anew. Exit code 1 when no model was swapped.
 */
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join, relative, resolve } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const ROOT = resolve(__dirname, '..');
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const CUSTOMERS = process.env.CUSTOMERS ?? '1200';
const DAYS = 430;
/** Between the two nights. */
const LATE_DAYS = 30;
const DAY_MS = 86_400_000;
/** The world ends today, so that the processor goes on where it ends. */
const UNTIL = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS);
const FROM = new Date(UNTIL.getTime() - DAYS * DAY_MS);
const MODELS = ['engagement', 'churn', 'ltv'];
const MARKER = 'made-by-backfill-demo';
const SWAP_WAIT_S = 60;
const PORT = 8_391;
/** A setting of processors that follow the registry. */
const POLL = settingExists('models.pollSeconds') ? { RESCORE_MODELS_POLL_SECONDS: '2' } : {};

const work = resolve(process.argv[2] ?? join(ROOT, '.rescore', 'backfill-demo'));
const at = (...names) => join(work, ...names);
const say = line => process.stdout.write(`\n── ${line}\n`);

function rescore(parameters, { stdout = 'inherit', mayFail = false } = {}) {
  process.stdout.write(`$ rescore ${parameters.join(' ')}\n`);
  const { status, stdout: text } = spawnSync(process.execPath, [MAIN, ...parameters], {
    cwd: work,
    encoding: 'utf8',
    stdio: ['ignore', stdout, 'inherit'],
    maxBuffer: 1 << 28,
  });
  if (status !== 0 && !mayFail) throw new Error(`rescore ${parameters[0]} ended with ${status}.`);
  return text ?? '';
}

function settingExists(name) {
  const { stdout } = spawnSync(process.execPath, [MAIN, '--json', 'settings'], { encoding: 'utf8' });
  return stdout.includes(name);
}

/** A folder that something else made is left alone. */
function freshFolder() {
  if (existsSync(work) && !existsSync(at(MARKER)))
    throw new Error(`${work} was not made by this demonstration: name another folder.`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(at('registry'), { recursive: true });
  writeFileSync(at(MARKER), '');
}

function writeSettings(publicKey, directory) {
  writeFileSync(
    at('rescore.yaml'),
    `archive:
  location: archive
registry:
  url: '' # the log of an embedded state has the built-in schema ids
models:
  directory: ${directory}
${publicKey === null ? '' : `  set: production\n  trustedKeys: ['${publicKey}']\n  signingKeyFile: key.pem\n`}state:
  logRetentionDays: 36500
  partitions: 4
`,
  );
}

function history() {
  say(`1. ${CUSTOMERS} customers for ${DAYS} days, scored by the models that come with rescore`);
  writeSettings(null, 'package:models/baseline');
  const world = ['world', '--customers', CUSTOMERS, '--days', String(DAYS), '--from', FROM.toISOString()];
  rescore(world, { stdout: openSync(at('world.jsonl'), 'w') });
  rescore([
    'replay',
    'world.jsonl',
    '--format',
    'segment',
    '--out',
    'out',
    '--state',
    'state',
    '--until',
    UNTIL.toISOString(),
  ]);
  say('2. Its log, with the ticks and the mail of the lanes, as an archive');
  rescore(['archive', 'run', '--once', '--tail', '--state', 'state']);
}

function firstNight() {
  say(
    `3. The nightly job of ${LATE_DAYS} days ago: from the archive to signed models in a registry of our own`,
  );
  const { publicKey } = JSON.parse(rescore(['--json', 'models', 'keygen', 'key.pem'], { stdout: 'pipe' }));
  writeSettings(publicKey, 'registry');
  const until = new Date(UNTIL.getTime() - LATE_DAYS * DAY_MS);
  rescore(['backfill', 'run', '--run', 'first-night', '--until', until.toISOString()]);
  rescore(['models', 'list']);
  const { models } = JSON.parse(readFileSync(at('first-night', 'publish.json'), 'utf8'));
  const refused = models.filter(({ promoted }) => !promoted).map(({ name }) => name);
  if (refused.length > 0)
    throw new Error(
      `The gate let ${refused.join(', ')} not through, so that nothing can score: first-night/gate.json has every reason. A larger world is steadier: CUSTOMERS=3000 make backfill-demo.`,
    );
}

/** What the pointers of the registry name, by model. */
const current = () =>
  Object.fromEntries(
    MODELS.map(name => [
      name,
      JSON.parse(readFileSync(at('registry', name, 'current.json'), 'utf8')).version,
    ]),
  );

/** Versions by model, before the second night and after it. */
function sayVersions(before, after) {
  say('What scores, before the night and after it');
  for (const name of MODELS) {
    const changed = before[name] === after[name] ? 'the same' : after[name];
    process.stdout.write(`  ${name.padEnd(12)} ${before[name].padEnd(26)} ${changed}\n`);
  }
}

/** Until the metrics of the processor name the versions, or time is over. */
async function watchSwap(child, versions) {
  for (let second = 0; second < SWAP_WAIT_S && child.exitCode === null; second++) {
    const text = await globalThis
      .fetch(`http://127.0.0.1:${PORT}/metrics`)
      .then(answer => answer.text())
      .catch(() => '');
    if (versions.every(version => text.includes(version))) return true;
    await sleep(1_000);
  }
  return false;
}

async function secondNight() {
  say('4. A processor scores with them, and goes on while the job of tonight publishes better ones');
  const child = spawn(
    process.execPath,
    [MAIN, 'run', '--embedded', '--state', 'state', '--port', String(PORT)],
    {
      cwd: work,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...POLL },
    },
  );
  const before = current();
  try {
    rescore(['backfill', 'run', '--run', 'second-night']);
    const after = current();
    sayVersions(before, after);
    const versions = MODELS.filter(name => after[name] !== before[name]).map(name => after[name]);
    if (versions.length === 0)
      throw new Error(
        'No model was swapped: the gate let none through, and second-night/gate.json has every reason. A larger world is steadier: CUSTOMERS=3000 make backfill-demo.',
      );
    const swapped = await watchSwap(child, versions);
    if (!swapped)
      throw new Error('The processor does not score with what was published: see what it said above.');
    say(`Without a restart it scores with ${versions.join(', ')}`);
  } finally {
    child.kill('SIGTERM');
    await new Promise(done => (child.exitCode === null ? child.once('exit', done) : done()));
  }
}

function next() {
  say('Look at');
  const show = (what, why) => process.stdout.write(`  ${what.padEnd(52)} ${why}\n`);
  const here = relative(process.cwd(), work) || '.';
  show(`${here}/second-night/report.html`, 'the night on one page; report.pdf is the same on paper');
  show(`${here}/second-night/steps/`, 'what each step took and did');
  show(`${here}/second-night/gate.json`, 'every question of the gate, with what was found');
  show(`${here}/second-night/dataset.parquet`, 'DuckDB or pandas: docs/backfill.md lists the columns');
  show(`cd ${here} && rescore models show churn`, 'the manifest of what scores now');
  show(`cd ${here} && rescore backfill run --run second-night`, 'again: every step is done already');
}

async function main() {
  freshFolder();
  history();
  firstNight();
  await secondNight();
  next();
}

main().catch(error => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
