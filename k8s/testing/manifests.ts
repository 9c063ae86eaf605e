/** The manifests of k8s/base as they stand there, and the parts of them that tests look at. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAllDocuments, parse } from 'yaml';

export const ROOT = resolve(__dirname, '../..');
export const BASE = resolve(ROOT, 'k8s/base');

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
  args: string[];
  env?: Variable[];
  envFrom?: { configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  securityContext: object;
  volumeMounts: { name: string; mountPath: string }[];
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
}

const FILES = readdirSync(BASE).filter(name => name.endsWith('.yaml') && name !== 'kustomization.yaml');

export const kustomization = parse(readFileSync(resolve(BASE, 'kustomization.yaml'), 'utf8')) as {
  resources: string[];
  images: { name: string; newName: string; newTag: string }[];
};

export const files = (): string[] => [...FILES].sort();

export const manifests: readonly Manifest[] = files().flatMap(name =>
  parseAllDocuments(readFileSync(resolve(BASE, name), 'utf8')).map(document => document.toJS() as Manifest),
);

export const ofKind = (kind: string): Manifest[] => manifests.filter(one => one.kind === kind);

/** Pod templates by the name of what makes the pods. */
export const templates: readonly (readonly [name: string, template: Template])[] = manifests.flatMap(
  ({ metadata, spec }) => {
    const job = (spec?.jobTemplate as { spec: Record<string, unknown> } | undefined)?.spec ?? spec;
    return job?.template === undefined ? [] : [[metadata.name, job.template as Template] as const];
  },
);

export const containersOf = ({ initContainers = [], containers }: PodSpec): Container[] => [
  ...initContainers,
  ...containers,
];

/** Every container with the name of its workload. */
export const containers = templates.flatMap(([name, template]) =>
  containersOf(template.spec).map(container => [`${name}/${container.name}`, container] as const),
);

export const settingsOf = (name: string): Record<string, string> =>
  ofKind('ConfigMap').find(one => one.metadata.name === name)?.data ?? {};
