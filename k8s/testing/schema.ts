/** Kubernetes' own schemas, strictly: what is wrong with a manifest, unknown fields included. */
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { CronJob, Job } from 'kubernetes-models/batch/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Role, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { ConfigMap, Namespace, PersistentVolumeClaim, Service, ServiceAccount } from 'kubernetes-models/v1';
import type { Manifest } from './manifests';

type Kind = new (data: never) => { validate: () => void };
const KINDS: Readonly<Record<string, Kind>> = {
  'apps/v1 StatefulSet': StatefulSet,
  'batch/v1 CronJob': CronJob,
  'batch/v1 Job': Job,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'rbac.authorization.k8s.io/v1 Role': Role,
  'rbac.authorization.k8s.io/v1 RoleBinding': RoleBinding,
  'v1 ConfigMap': ConfigMap,
  'v1 Namespace': Namespace,
  'v1 PersistentVolumeClaim': PersistentVolumeClaim,
  'v1 Service': Service,
  'v1 ServiceAccount': ServiceAccount,
};

type Asked = Map<object, Set<PropertyKey>>;

/** `value`, noting which fields of it are asked for. */
function watched<T>(value: T, asked: Asked): T {
  if (typeof value !== 'object' || value === null) return value;
  const fields = new Set<PropertyKey>();
  asked.set(value, fields);
  return new Proxy(value, {
    get(target, field, receiver): unknown {
      fields.add(field);
      const found: unknown = Reflect.get(target, field, receiver);
      return typeof found === 'object' ? noted(found, asked) : found;
    },
  });
}

const noted = (value: unknown, asked: Asked): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  const before = asked.get(value);
  const proxy = watched(value, asked);
  for (const field of before ?? []) asked.get(value)!.add(field);
  return proxy;
};

function unasked(value: unknown, asked: Asked, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]) =>
    Array.isArray(value) || asked.get(value)?.has(field)
      ? unasked(inner, asked, `${path}/${field}`)
      : [`${path}/${field} is not a field of Kubernetes`],
  );
}

/**
 * Problems of one manifest, empty when there are none. The schemas say nothing about fields that they don't know, and
 * the API server drops those in silence; a validator asks for every field that its schema has, so what it never asks
 * for is unknown.
 */
export function problemsOf(manifest: Manifest): string[] {
  const kind = KINDS[`${manifest.apiVersion} ${manifest.kind}`];
  if (kind === undefined) return [`${manifest.apiVersion} ${manifest.kind}: add it to k8s/testing/schema.ts`];
  const asked: Asked = new Map();
  const model = new kind(manifest as never);
  try {
    watched(model, asked).validate();
  } catch (error) {
    return [(error as Error).message];
  }
  return unasked(model, asked, '');
}
