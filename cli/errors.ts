/**
 * What the command line can answer with besides success. Every code is stable (scripts may test for it), and the
 * message beside it names what was wrong and the next step.
 */
export const EXIT = { ok: 0, failure: 1, usage: 2, strict: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Stable codes with what to do next; the documentation lists the same (a test compares them). */
export const CLI_ERRORS = {
  usage: 'Look at `rescore COMMAND --help`.',
  'setting-unknown': 'Remove it, or correct its name: `rescore settings` lists every setting.',
  'setting-malformed': 'Give it a value of the kind that `rescore settings` shows.',
  'settings-unreadable': 'Check the path of the settings file and that it is YAML.',
  'input-missing': 'Check the path of the input file.',
  'input-format': 'Name the format: --format segment, or --map with one of `rescore mappings`.',
  'input-changed':
    'The files of a run in progress must not change: finish with the old ones, or use another --state.',
  'input-after-until': 'Move --until to a later instant, or leave it out.',
  'input-before-state':
    'Replay files in the order of their time, or all of them at once into a fresh --state.',
  'until-before-state': 'Use a later --until, or a fresh --state.',
  'out-not-empty': 'Name another --out, or empty it.',
  'out-missing': 'Name the --out that the state was started with, or start with a fresh --state.',
  'state-settings': 'Use the same options as the first run of this --state, or a fresh --state.',
  'state-missing': 'Name the state with --state; `rescore replay` and `rescore run` make one.',
  'state-in-use': 'Stop the other process first.',
  'state-damaged': 'Restore a backup with `rescore state restore`.',
  'target-not-empty': 'Name a folder that does not exist yet.',
  'customer-unknown': 'Check the id; an anonymous customer is written anon:ID.',
  unanswered:
    'It stays in the log and is carried out in time: `rescore doctor --cluster` says what is in its way.',
  'dead-letter-unknown': '`rescore dead-letters list` names the sources; it takes the same options.',
  'retry-refused': 'The lines say why; `rescore dead-letters show` has what is kept of each.',
  'stopped-by-strict': 'Correct the row, or run without --strict: the run then goes on without it.',
  unhealthy: 'The list says what to do about each.',
  interrupted: 'Run the same command again: it goes on where it stopped.',
  stopped: 'Run the same command again for the rest: what was sent before is known by its message ids.',
  'stop-unfinished':
    'Nothing is lost: whoever takes the partitions next finishes them. See whether Kafka and Redis answer.',
  'certificate-unfit': 'Name a PEM file that this user can read.',
  'port-unfit': 'Set collector.port, or --port, to one that is free and that this user may open.',
  'redis-unreachable': 'Check redis.addresses, and that Redis is up and lets this user in.',
  'kafka-unreachable': 'Check kafka.brokers, and that Kafka is up and lets this user in.',
  'kafka-refused': 'Correct what the broker names: rights of this user, copies, or limits.',
  'brokers-silent':
    'Look at the brokers and the network; docs/runbook.md, "A processor of a cluster does not score".',
  'redis-unfit': 'Change the setting of Redis that it names, then start again.',
  'topics-unfit': 'Look at `rescore topics check`; `rescore topics create` makes what is missing.',
  'registry-unreachable':
    'Check registry.url, and that the registry is up; or leave it empty for the built-in ids.',
  'registry-refused':
    'Check registry.url, registry.username and registry.password, and the rights of this user.',
  'schemas-unregistered': 'Run `rescore schemas register`.',
  'schemas-incompatible': 'Change schemas/avro so that it reads every version: docs/schemas.md says how.',
  'archive-damaged':
    'Restore the object from a copy of the archive; `rescore archive verify` names everything that is wrong.',
  'archive-gap':
    'Run it again with --accept-gap to go on behind what is lost, and run the archive more often.',
  'archive-refused': 'Look at archive.location and at `rescore archive coverage`.',
  'archive-unreachable':
    'Check archive.location, archive.s3Endpoint, and the rights and credentials of this process.',
  'scores-missing':
    'Run `rescore archive run`: it takes the scores too. An archive of an earlier release begins with them now.',
  'scores-differ': 'docs/runbook.md, "Scores differ from the archive", says what to look at first.',
  'scores-unchecked': 'Look at missingBecause in consistency.json, and at `rescore archive coverage`.',
  'score-unknown': 'Check the id and `rescore archive coverage`: only scores that are archived can be found.',
  'cluster-missing':
    'Run it in a pod with a service account, as k8s/backfill/night.yaml does; elsewhere use `backfill replay`.',
  'cluster-refused': 'Compare the rights of this service account with k8s/backfill/accounts.yaml.',
  'job-failed': '`kubectl logs` of its pods says why; run the night again: items that are done stay done.',
  'rebuild-refused': 'docs/runbook.md, "Redis was emptied", has the procedure.',
  'rebuild-unfinished':
    'Mend the cause, delete what it wrote (docs/runbook.md, "Redis was emptied"), and run it again.',
  'models-missing': 'Set models.directory to a folder of signed artifacts.',
  'models-unfit':
    'The list says what to do about each; `rescore models rollback` goes back to one that works.',
  'models-trust':
    'Set models.set to a name of your own, such as production, together with models.trustedKeys.',
  'model-unknown': '`rescore models list` shows what is in the registry.',
  'model-unsigned':
    'Look at it with `rescore models diff NAME --from FOLDER`, then `rescore models sign FOLDER`.',
  'gate-rejected':
    'Train again with what it names, or decide against the gate: --force with --reason; both stay in the audit.',
  'key-missing': 'Set models.signingKeyFile, or name it with --key; `rescore models keygen FILE` makes one.',
  'key-unfit': 'Name the PEM file of an Ed25519 private key, readable by this user.',
  'key-exists': 'Name a file that does not exist yet: a key that is written over signs nothing any more.',
  'run-missing': 'Run `rescore backfill plan --run DIR` first.',
  'run-damaged': 'Name a fresh --run, or do the step again that made the file: --again.',
  'run-changed': 'Name a fresh --run, or give --again to `rescore backfill plan`.',
  'run-unwritable': 'Check --run: its path, the rights of this user, and the space on its disk.',
  'run-in-use':
    'Wait until the other process is done, or stop it: one at a time works on a run folder or an item.',
  'history-short': 'Labels look up to 180 days ahead, windows 90 back: wait, or give a longer history.',
  'history-gap':
    'Correct rows whose time is wrong, restore days that are lost, or choose the range: --from, --until.',
  'step-missing': 'Do the steps in their order, or all of them: `rescore backfill run`.',
  'step-failed': 'Correct it, then run the same command again: steps that are done are not repeated.',
  'check-failed': 'The report and what each check said say what was found.',
  'dataset-leak': 'Nothing is trained with such rows: correct the feature in the core first.',
  'trainer-failed': 'Correct what it names, then run the step again.',
  'model-failed':
    'The reasons name file and field: train again, or look at models.trustedKeys and the registry.',
} as const;
export type CliErrorCode = keyof typeof CLI_ERRORS;

/** An expected ending other than success: the message is for the person at the terminal. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    readonly code: CliErrorCode,
    message: string,
    readonly exitCode: ExitCode = EXIT.failure,
  ) {
    super(`${message} ${CLI_ERRORS[code]}`);
  }
}

export const usageError = (message: string): CliError => new CliError('usage', message, EXIT.usage);
