/** The manifests of a folder of k8s/ as they stand there, and the parts of them that tests look at. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAllDocuments, parse } from 'yaml';

export const ROOT = resolve(__dirname, '../..');

export interface Labels {
  [name: string]: string;
}

interface Variable {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: { name: string; key: string };
    fieldRef?: { fieldPath: string };
  };
}

interface Probe {
  httpGet: { path: string; port: string };
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: Variable[];
  envFrom?: { configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  securityContext: object;
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  resources: object;
}

export interface PodSpec {
  initContainers?: Container[];
  containers: Container[];
  serviceAccountName: string;
  automountServiceAccountToken: boolean;
  enableServiceLinks: boolean;
  securityContext: object;
  terminationGracePeriodSeconds?: number;
  volumes: { name: string; [source: string]: unknown }[];
}

interface Template {
  metadata: { labels: Labels; annotations?: Labels };
  spec: PodSpec;
}

/** Of whatever kind: the fields that a kind doesn't have are absent. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Labels };
  data?: Record<string, string>;
  spec?: Record<string, unknown>;
  rules?: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
  subjects?: { kind: string; name: string }[];
}

const containersOf = ({ initContainers = [], containers }: PodSpec): Container[] => [
  ...initContainers,
  ...containers,
];

/** Arguments of `rescore` in a container, also where a shell decides what its failure means; null where it runs something else. */
export function argumentsOf({ args, command }: Container): string[] | null {
  if (args !== undefined) return args;
  const [, line = null] = /rescore ([^|&;]+)/.exec(command?.[0] === 'sh' ? command[2] : '') ?? [];
  return line?.trim().split(' ') ?? null;
}

/** Everything that `kubectl apply -k` would be given of `name`, a folder beside this one. */
export function manifestsOf(name: string) {
  const folder = resolve(ROOT, 'k8s', name);
  const read = (file: string): string => readFileSync(resolve(folder, file), 'utf8');
  const files = readdirSync(folder)
    .filter(file => file.endsWith('.yaml') && file !== 'kustomization.yaml')
    .sort();
  const manifests = files.flatMap(file =>
    parseAllDocuments(read(file)).map(document => document.toJS() as Manifest),
  );
  const ofKind = (kind: string): Manifest[] => manifests.filter(one => one.kind === kind);
  /** Pod templates by the name of what makes the pods. */
  const templates = manifests.flatMap(({ metadata, spec }) => {
    const job = (spec?.jobTemplate as { spec: Record<string, unknown> } | undefined)?.spec ?? spec;
    return job?.template === undefined ? [] : [[metadata.name, job.template as Template] as const];
  });
  return {
    folder,
    files,
    kustomization: parse(read('kustomization.yaml')) as {
      namespace: string;
      resources: string[];
      images: { name: string; newName: string; newTag: string }[];
    },
    manifests,
    ofKind,
    named: (kind: string, wanted: string): Manifest =>
      ofKind(kind).find(one => one.metadata.name === wanted)!,
    templates,
    /** Every container with the name of its workload. */
    containers: templates.flatMap(([workload, { spec }]) =>
      containersOf(spec).map(container => [`${workload}/${container.name}`, container] as const),
    ),
    settingsOf: (wanted: string): Record<string, string> =>
      ofKind('ConfigMap').find(one => one.metadata.name === wanted)?.data ?? {},
    /** Workloads whose pods have these labels. */
    matches: (wanted: Labels): string[] =>
      templates
        .filter(([, { metadata }]) => Object.entries(wanted).every(([k, v]) => metadata.labels[k] === v))
        .map(([workload]) => workload),
  };
}
export type Manifests = ReturnType<typeof manifestsOf>;
