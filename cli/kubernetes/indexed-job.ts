/** One Indexed Job of Kubernetes: made from the template of a suspended CronJob, and followed to its end. */
import type { Clock } from '../../processors/ports';
import { CliError } from '../errors';
import type { Answer, ClusterApi } from './api';

interface JobSpec {
  completions?: number;
  parallelism?: number;
  template: { metadata?: { labels?: Record<string, string> }; [field: string]: unknown };
  [field: string]: unknown;
}

interface Job {
  metadata?: { deletionTimestamp?: string };
  status?: {
    succeeded?: number;
    failedIndexes?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface Wanted {
  /** The CronJob, suspended, whose template is used. */
  from: string;
  /** Job of the night that this belongs to: part of the new name, and label `night` of its pods. */
  night: string;
  /** `metadata.uid` of that Job: what this makes is deleted with it. */
  nightUid: string;
  /** Pods that must succeed, one for each index from 0. */
  completions: number;
}

export interface Followed {
  name: string;
  /** False when an attempt before had made it. */
  made: boolean;
}

const ATTEMPTS = 9;
/** Between two looks at a Job: a night takes minutes to hours. */
const LOOK_MS = 10_000;
/** An API server that is being replaced is away for minutes. */
const LOOKS_WITHOUT_ANSWER = 60;

const jobsOf = (namespace: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs`;

function jobOf({ from, night, nightUid, completions }: Wanted, name: string, template: JobSpec): object {
  const labels = { ...template.template.metadata?.labels, night };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/name': 'rescore', 'app.kubernetes.io/component': from },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: night, uid: nightUid }],
    },
    spec: {
      ...template,
      completionMode: 'Indexed',
      completions,
      parallelism: Math.min(template.parallelism ?? 1, completions),
      template: { ...template.template, metadata: { ...template.template.metadata, labels } },
    },
  };
}

const said = ({ status, body }: Answer): string =>
  `${status} ${(body as { message?: string } | null)?.message ?? ''}`.trim();

const refused = (what: string, answer: Answer): CliError =>
  new CliError('cluster-refused', `${what}: ${said(answer)}.`);

const conditionOf = (job: Job, type: string) =>
  job.status?.conditions?.find(one => one.type === type && one.status === 'True');

/** It failed, or is being deleted together with the Job that it belonged to. */
const isOver = (job: Job): boolean =>
  conditionOf(job, 'Failed') !== undefined || job.metadata?.deletionTimestamp !== undefined;

async function templateOf(api: ClusterApi, name: string): Promise<JobSpec> {
  const answer = await api.get(`/apis/batch/v1/namespaces/${api.namespace}/cronjobs/${name}`);
  if (answer.status !== 200) throw refused(`The CronJob ${name} cannot be read`, answer);
  return (answer.body as { spec: { jobTemplate: { spec: JobSpec } } }).spec.jobTemplate.spec;
}

/**
 * The Job of this night: the one that an attempt before left running or done, else a new one. Attempts that failed stay
 * to be looked at, so nothing needs the right to delete.
 * @throws CliError cluster-refused
 */
export async function openJob(api: ClusterApi, wanted: Wanted): Promise<Followed> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const name = `${wanted.night}-${wanted.from}-${attempt}`;
    const there = await api.get(`${jobsOf(api.namespace)}/${name}`);
    if (there.status === 200) {
      if (isOver(there.body as Job)) continue;
      return { name, made: false };
    }
    if (there.status !== 404) throw refused(`The Job ${name} cannot be read`, there);
    const made = await api.post(
      jobsOf(api.namespace),
      jobOf(wanted, name, await templateOf(api, wanted.from)),
    );
    // 409: another attempt of this night made it in between.
    if (made.status !== 201 && made.status !== 409) throw refused(`The Job ${name} cannot be made`, made);
    return { name, made: made.status === 201 };
  }
  throw new CliError('job-failed', `${ATTEMPTS} Jobs of ${wanted.night} failed.`);
}

/**
 * Waits until every index of a Job succeeded; `onSucceeded` is told how many did so far.
 * @throws CliError job-failed, cluster-refused, interrupted
 */
export async function followJob(
  api: ClusterApi,
  name: string,
  clock: Clock,
  signal: AbortSignal,
  onSucceeded: (indexes: number) => void,
): Promise<void> {
  let unanswered = 0;
  while (!signal.aborted) {
    const answer = await api
      .get(`${jobsOf(api.namespace)}/${name}`)
      .catch((error: Error): Answer => ({ status: 0, body: { message: error.message } }));
    const { status } = answer;
    if (status === 200) {
      unanswered = 0;
      const job = answer.body as Job;
      onSucceeded(job.status?.succeeded ?? 0);
      if (conditionOf(job, 'Complete')) return;
      const failed = conditionOf(job, 'Failed');
      if (failed) {
        const { failedIndexes = 'none' } = job.status ?? {};
        const why = failed.message ?? failed.reason ?? 'without a reason';
        throw new CliError(
          'job-failed',
          `The Job ${name} failed (${why}); failed indexes: ${failedIndexes}.`,
        );
      }
    } else if ((status > 0 && status < 500 && status !== 429) || ++unanswered >= LOOKS_WITHOUT_ANSWER)
      throw refused(`The Job ${name} cannot be followed`, answer);
    await clock.sleep(LOOK_MS, signal);
  }
  throw new CliError('interrupted', `The Job ${name} goes on without this process.`);
}
