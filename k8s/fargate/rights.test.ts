/** Who may do what on Fargate: the rights of each step, by hand, and nothing beside them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../testing/manifests';
import { Resources, containers, ofType, runs, statementsOf, taskOf, tasks } from '../testing/template';
import type { Statement } from '../testing/template';

interface Needs {
  /** Folders of the bucket. */
  reads?: string[];
  writes?: string[];
  /** The run folder. */
  folder: 'reads' | 'writes' | null;
  /** What its start is given. */
  secret?: string;
}

/**
 * What the program of each state asks of AWS, read from cli/commands/backfill and from what it calls. Metrics are lines of
 * the log, so nobody needs a right to write them.
 */
const NEEDS: Readonly<Record<string, Needs>> = {
  // rescore archive run: its description, manifests and files, also those of before.
  Archive: { reads: ['archive'], writes: ['archive'], folder: null, secret: 'KafkaSecretArn' },
  // Manifests of the archive; no record is decoded.
  Plan: { reads: ['archive'], folder: 'writes' },
  // Records, with schemas of the registry.
  Item: { reads: ['archive'], folder: 'writes', secret: 'RegistrySecretArn' },
  // Joins what the items left in the run folder.
  Dataset: { folder: 'writes' },
  // The models that score now are measured on the same rows.
  Train: { reads: ['models'], folder: 'writes' },
  // ... and compared with.
  Gate: { reads: ['models'], folder: 'writes' },
  // Signs, uploads, reads back, moves the pointer.
  Publish: { reads: ['models'], writes: ['models'], folder: 'writes', secret: 'SigningKeySecretArn' },
  // Inputs and scores of the archive.
  Consistency: { reads: ['archive'], folder: 'writes', secret: 'RegistrySecretArn' },
  // The dataset is in the run folder; models that scored before answer it.
  Drift: { reads: ['models'], folder: 'writes' },
  Report: { folder: 'writes' },
  // Copies out of the run folder, without a look at what is there.
  Keep: { writes: ['nights'], folder: 'reads' },
  Tidy: { folder: 'writes' },
};
const needs = Object.entries(NEEDS);

/** `action resource condition` of all that a role may do, one for each action and resource. */
const rightsOf = (role: string): string[] =>
  statementsOf(role)
    .flatMap(({ Effect, Action, Resource, Condition = {} }) =>
      [Action].flat().flatMap(action =>
        [Resource].flat().map(resource => {
          expect(Effect).toBe('Allow');
          return `${action} ${resource} ${JSON.stringify(Condition)}`;
        }),
      ),
    )
    .sort();

const VIA_S3 = 'Key.Arn {"StringEquals":{"kms:ViaService":"s3.${AWS::Region}.amazonaws.com"}}';
const MOUNT = 'Files.Arn {"StringEquals":{"elasticfilesystem:AccessPointArn":"Nights.Arn"}}';

/** The same of all that a step needs. A list is asked for where objects are read: without it, missing ones are refused. */
const expectedOf = ({ reads = [], writes = [], folder }: Needs): string[] =>
  [
    ...reads.flatMap(place => [
      `s3:ListBucket Bucket.Arn {"StringLikeIfExists":{"s3:prefix":"${place}/*"}}`,
      `s3:GetObject \${Bucket.Arn}/${place}/* {}`,
      `kms:Decrypt ${VIA_S3}`,
    ]),
    ...writes.flatMap(place => [
      `s3:PutObject \${Bucket.Arn}/${place}/* {}`,
      `kms:GenerateDataKey ${VIA_S3}`,
    ]),
    ...(folder === null ? [] : [`elasticfilesystem:ClientMount ${MOUNT}`]),
    ...(folder === 'writes' ? [`elasticfilesystem:ClientWrite ${MOUNT}`] : []),
  ].sort();

const definitionOf = (state: string) => Resources[taskOf[state]].Properties;
const roleOf = (state: string): string => definitionOf(state).TaskRoleArn!.replace('.Arn', '');
const startOf = (state: string): string => definitionOf(state).ExecutionRoleArn!.replace('.Arn', '');
const streamOf = (state: string): string => taskOf[state].replace('Task', '').toLowerCase();

describe('the role of a task', () => {
  test('every step has needs, and a task of its own', () => {
    expect(Object.keys(NEEDS)).toEqual(runs.map(([name]) => name));
    expect(Object.values(taskOf).sort()).toEqual(tasks.map(([name]) => name).sort());
  });

  test.each(needs)('%s may do what it needs, and nothing else', (state, own) =>
    expect(rightsOf(roleOf(state))).toEqual(expectedOf(own)),
  );

  test('is shared by steps with the same needs alone, and each role is one of a step', () => {
    const groups = new Map<string, string[]>();
    for (const [state, own] of needs) {
      const same = JSON.stringify(expectedOf(own));
      groups.set(same, [...(groups.get(same) ?? []), roleOf(state)]);
    }
    const roles = [...groups.values()].map(names => new Set(names));
    expect(roles.map(({ size }) => size)).toEqual(roles.map(() => 1));
    expect(new Set(roles.flatMap(names => [...names])).size).toBe(groups.size);
  });

  test.each(needs)('%s is told of places that it may enter, and of no other', (state, own) => {
    const [{ Environment = [], MountPoints }] = definitionOf(state).ContainerDefinitions!.filter(
      ({ Name }) => Name === 'rescore',
    );
    const told = Environment.flatMap(({ Value }) => /^s3:\/\/\$\{Bucket\}\/(\w+)$/.exec(Value)?.[1] ?? []);
    // Where keep writes stands in its arguments.
    const named = [...new Set([...(own.reads ?? []), ...(own.writes ?? [])])].filter(
      place => place !== 'nights',
    );
    expect(told).toEqual(named);
    const [mount] = MountPoints.filter(({ SourceVolume }) => SourceVolume === 'nights');
    expect(mount === undefined ? null : mount.ReadOnly === true ? 'reads' : 'writes').toBe(own.folder);
  });
});

test('docs/fargate.md says the same of each state', () => {
  const page = readFileSync(join(ROOT, 'docs/fargate.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (`\w.*?) +\| (`\w+Role`.*)\|$/gm)].map(([, states, rest]) => [
    states.replaceAll('`', '').split(', '),
    rest.split('|').map(cell => cell.trim().replaceAll('`', '')),
  ]);
  const said = rows.flatMap(([states, cells]) =>
    states.map(state => [state.replace('Replay', 'Item'), cells]),
  );
  const does = (state: string, place: string): string => {
    const { reads = [], writes = [] } = NEEDS[state];
    return ['read', 'write'].filter((_, at) => [reads, writes][at].includes(place)).join(', ') || '–';
  };
  const SECRETS: Readonly<Record<string, string>> = {
    KafkaSecretArn: 'user of Kafka',
    RegistrySecretArn: 'user of the registry',
    SigningKeySecretArn: 'signing key',
  };
  const expected = needs.map(([state, { folder, secret }]) => [
    state,
    [
      roleOf(state),
      ...['archive', 'models', 'nights'].map(place => does(state, place)),
      folder?.slice(0, -1) ?? '–',
      startOf(state),
      secret === undefined ? '–' : SECRETS[secret],
    ],
  ]);
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(expected));
});

describe('the role that starts a task', () => {
  const IMAGE = [
    'ecr:BatchCheckLayerAvailability RepositoryArn {}',
    'ecr:BatchGetImage RepositoryArn {}',
    'ecr:GetAuthorizationToken * {}',
    'ecr:GetDownloadUrlForLayer RepositoryArn {}',
  ];
  const STREAMS = 'arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Logs}:log-stream:';

  test.each(needs)('of %s has its image, its secret, and streams of those that it starts', (state, own) => {
    const started = needs.filter(([other]) => startOf(other) === startOf(state));
    expect(new Set(started.map(([, { secret }]) => secret))).toEqual(new Set([own.secret]));
    const streams = started.flatMap(([other]) =>
      ['logs:CreateLogStream', 'logs:PutLogEvents'].map(
        action => `${action} ${STREAMS}${streamOf(other)}/* {}`,
      ),
    );
    const secret = own.secret === undefined ? [] : [`secretsmanager:GetSecretValue ${own.secret} {}`];
    expect(rightsOf(startOf(state))).toEqual([...IMAGE, ...streams, ...secret].sort());
  });

  test.each(containers)('%s writes into streams that begin with the name of its step', (name, container) => {
    const [state] = Object.entries(taskOf).find(([, task]) => task === name.split('/')[0])!;
    expect(container.LogConfiguration.Options).toEqual({
      'awslogs-group': 'Logs',
      'awslogs-region': 'AWS::Region',
      'awslogs-stream-prefix': streamOf(state),
    });
  });

  test.each(needs)('%s is given the secret that it needs, and no other', (state, own) => {
    const given = definitionOf(state).ContainerDefinitions!.flatMap(({ Secrets = [] }) =>
      Secrets.map(({ ValueFrom }) => /^(?:\$\{)?(\w+)/.exec(ValueFrom)![1]),
    );
    expect([...new Set(given)]).toEqual(own.secret === undefined ? [] : [own.secret]);
  });

  test('the signing key reaches one container, which writes it into a file', () => {
    const signing = containers.filter(([, { Secrets = [] }]) =>
      Secrets.some(({ ValueFrom }) => ValueFrom.includes('SigningKeySecretArn')),
    );
    expect(signing.map(([name]) => name)).toEqual(['PublishTask/key']);
  });
});

describe('other roles', () => {
  const used = tasks.flatMap(([, { Properties }]) => [Properties.TaskRoleArn!, Properties.ExecutionRoleArn!]);

  test('the state machine starts these tasks in this cluster, with these roles, and writes its log', () => {
    const passed = '{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}';
    const here = '${AWS::Region}:${AWS::AccountId}';
    const rule = `arn:\${AWS::Partition}:events:${here}:rule/StepFunctionsGetEventsForECSTaskRule`;
    expect(rightsOf('StateMachineRole')).toEqual(
      [
        ...tasks.map(([name]) => `ecs:RunTask ${name} {"ArnEquals":{"ecs:cluster":"Cluster.Arn"}}`),
        ...['DescribeTasks', 'StopTask'].map(
          action => `ecs:${action} arn:\${AWS::Partition}:ecs:${here}:task/\${Cluster}/* {}`,
        ),
        ...[...new Set(used)].map(role => `iam:PassRole ${role} ${passed}`),
        ...['DescribeRule', 'PutRule', 'PutTargets'].map(action => `events:${action} ${rule} {}`),
        ...LOG_DELIVERY.map(action => `${action} * {}`),
      ].sort(),
    );
  });

  test('the schedule starts the state machine, or says that it could not', () =>
    expect(rightsOf('SchedulerRole')).toEqual([
      'sqs:SendMessage Missed.Arn {}',
      'states:StartExecution Night {}',
    ]));

  test('there are no others, and one service of this account takes each', () => {
    const roles = ofType('AWS::IAM::Role');
    const names = [...used.map(role => role.replace('.Arn', '')), 'SchedulerRole', 'StateMachineRole'];
    expect(roles.map(([name]) => name).sort()).toEqual([...new Set(names)].sort());
    for (const [name, { Properties }] of roles) {
      expect([name, Properties.ManagedPolicyArns]).toEqual([name, undefined]);
      const { Statement } = Properties.AssumeRolePolicyDocument as { Statement: object[] };
      const service =
        { SchedulerRole: 'scheduler', StateMachineRole: 'states' }[name as 'SchedulerRole'] ?? 'ecs-tasks';
      expect([name, Statement]).toEqual([
        name,
        [
          {
            Effect: 'Allow',
            Principal: { Service: `${service}.amazonaws.com` },
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'aws:SourceAccount': 'AWS::AccountId' } },
          },
        ],
      ]);
    }
  });

  /** What AWS gives no resource: a state machine's log is a delivery. */
  const LOG_DELIVERY = [
    'logs:CreateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:DescribeLogGroups',
    'logs:DescribeResourcePolicies',
    'logs:GetLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:UpdateLogDelivery',
  ];

  test('only what has no resource is allowed on all, and nobody may delete an object', () => {
    const statements = ofType('AWS::IAM::Role').flatMap(([name]) => statementsOf(name));
    const onAll = statements.filter(({ Resource }) => [Resource].flat().includes('*'));
    const actions = (of: Statement[]): string[] => of.flatMap(({ Action }) => Action);
    expect([...new Set(actions(onAll))].sort()).toEqual(['ecr:GetAuthorizationToken', ...LOG_DELIVERY]);
    expect(actions(statements).filter(action => /\*|^(s3|kms|iam).*Delete/.test(action))).toEqual([]);
  });
});

describe('the network', () => {
  const ports = (group: string): string[] => {
    const { SecurityGroupEgress = [] } = Resources[group].Properties as { SecurityGroupEgress?: object[] };
    return SecurityGroupEgress.map(rule => String((rule as { ToPort: unknown }).ToPort));
  };
  const groups = ['ArchiveGroup', 'SecurityGroup'];

  test('the archive alone reaches Kafka, and the others alone the run folders', () => {
    expect(ports('ArchiveGroup')).toEqual(['443', 'KafkaPort']);
    expect(ports('SecurityGroup')).toEqual(['443']);
    expect(Resources.NfsEgress.Properties).toMatchObject({
      GroupId: 'SecurityGroup',
      ToPort: 2049,
      DestinationSecurityGroupId: 'FilesGroup',
    });
    for (const [state, { Parameters: parameters }] of runs) {
      const { SecurityGroups } = parameters!.NetworkConfiguration.AwsvpcConfiguration;
      expect([state, SecurityGroups]).toEqual([
        state,
        [NEEDS[state].folder === null ? '${ArchiveGroup}' : '${SecurityGroup}'],
      ]);
    }
  });

  test('nothing comes in to a task', () => {
    for (const group of groups) expect(Resources[group].Properties.SecurityGroupIngress).toBeUndefined();
    expect(ofType('AWS::EC2::SecurityGroupIngress')).toEqual([]);
  });
});
