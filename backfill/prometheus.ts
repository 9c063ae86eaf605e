/** Metrics of a night that has ended: as Prometheus reads them, and as CloudWatch does. */

export interface Family {
  /** `rescore_` and snake case. */
  readonly name: string;
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };
const quoted = (text: string): string => `"${text.replace(/[\\"\n]/g, sign => ESCAPED[sign]!)}"`;

const labelled = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${quoted(value)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

/** The text format: https://prometheus.io/docs/instrumenting/exposition_formats/. Families without a sample are left out. */
export function asPrometheus(families: readonly Family[]): string {
  const lines = families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} gauge`,
      ...samples.map(({ value, labels = {} }) => `${name}${labelled(labels)} ${value}`),
    ]);
  return `${lines.join('\n')}\n`;
}

/** What CloudWatch tells series of a night apart by. A version is not among them: an alarm would lose its series at a swap. */
const DIMENSION = 'model';
/** PSI of each feature would be a paid series each; the report has them. */
const LEFT_OUT = 'feature';

/**
 * One JSON line for each model, and one for what concerns none: the embedded metric format, which CloudWatch Logs makes
 * metrics of. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * `at`: ms.
 */
export function asEmbeddedMetrics(families: readonly Family[], namespace: string, at: number): string[] {
  const byModel = new Map<string | null, { name: string; sample: MetricSample }[]>();
  for (const { name, samples } of families)
    for (const sample of samples) {
      const { [DIMENSION]: model = null, [LEFT_OUT]: feature } = sample.labels ?? {};
      if (feature === undefined) byModel.set(model, [...(byModel.get(model) ?? []), { name, sample }]);
    }
  return [...byModel].map(([model, found]) =>
    JSON.stringify({
      _aws: {
        Timestamp: at,
        CloudWatchMetrics: [
          {
            Namespace: namespace,
            Dimensions: [model === null ? [] : [DIMENSION]],
            Metrics: found.map(({ name }) => ({ Name: name })),
          },
        ],
      },
      ...Object.assign({}, ...found.map(({ sample }) => sample.labels)),
      ...Object.fromEntries(found.map(({ name, sample }) => [name, sample.value])),
    }),
  );
}
