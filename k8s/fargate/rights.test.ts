/** Who may do what on Fargate, and what is kept of it. */
import { Resources, containers, ofType, statementsOf, tasks } from '../testing/template';

describe('rights', () => {
  const roles = ofType('AWS::IAM::Role').map(([name]) => name);

  test('no role may delete, and only what has no resource is allowed on all', () => {
    const statements = roles.flatMap(statementsOf);
    expect(statements.length).toBeGreaterThan(20);
    for (const { Action, Resource } of statements) {
      const actions = [Action].flat();
      expect(actions.filter(action => /\*|Delete/.test(action))).toEqual([]);
      if ([Resource].flat().includes('*')) expect(actions).toEqual(['ecr:GetAuthorizationToken']);
    }
  });

  /** `action resource` of everything that a role may do to objects. */
  const objectsOf = (role: string): string[] =>
    statementsOf(role)
      .flatMap(({ Action, Resource }) =>
        [Action].flat().flatMap(action => [Resource].flat().map(resource => `${action} ${resource}`)),
      )
      .filter(right => /^s3:\w+Object /.test(right))
      .map(right => right.replace('${Bucket.Arn}', ''))
      .sort();

  test('each role has the objects of its steps', () => {
    expect(objectsOf('ArchiveRole')).toEqual(['s3:GetObject /archive/*', 's3:PutObject /archive/*']);
    expect(objectsOf('StepRole')).toEqual([
      's3:GetObject /archive/*',
      's3:GetObject /models/*',
      's3:PutObject /nights/*',
    ]);
    expect(objectsOf('PublishRole')).toEqual(['s3:GetObject /models/*', 's3:PutObject /models/*']);
  });

  test('what is not there is missing, not refused: the right to list holds without a prefix too', () => {
    for (const role of ['ArchiveRole', 'StepRole', 'PublishRole']) {
      const [{ Condition }] = statementsOf(role).filter(({ Action }) => Action === 's3:ListBucket');
      expect(Object.keys(Condition!)).toEqual(['StringLikeIfExists']);
    }
  });

  test('each secret reaches the tasks that need it', () => {
    const secrets = (role: string) =>
      statementsOf(role).flatMap(({ Action, Resource }) =>
        [Action].flat().includes('secretsmanager:GetSecretValue') ? [Resource].flat() : [],
      );
    expect(secrets('ArchiveStart')).toEqual(['KafkaSecretArn']);
    expect(secrets('StepStart')).toEqual(['RegistrySecretArn']);
    expect(secrets('PublishStart')).toEqual(['SigningKeySecretArn']);
    for (const [name, { Properties }] of tasks) {
      const allowed = secrets(Properties.ExecutionRoleArn!.replace('.Arn', ''));
      for (const { Secrets = [] } of Properties.ContainerDefinitions!)
        for (const { ValueFrom } of Secrets)
          expect([name, allowed.some(secret => ValueFrom.includes(secret))]).toEqual([name, true]);
    }
    const signing = containers.filter(([, { Secrets = [] }]) =>
      Secrets.some(({ Name }) => Name === 'SIGNING_KEY'),
    );
    expect(signing.map(([name]) => name)).toEqual(['PublishTask/key']);
  });

  test('the state machine starts these tasks, with these roles', () => {
    const statements = statementsOf('StateMachineRole');
    const resourcesOf = (action: string) =>
      statements
        .flatMap(({ Action, Resource }) => ([Action].flat().includes(action) ? [Resource].flat() : []))
        .sort();
    expect(resourcesOf('ecs:RunTask')).toEqual(tasks.map(([name]) => name).sort());
    const used = tasks.flatMap(([, { Properties }]) => [
      Properties.TaskRoleArn!,
      Properties.ExecutionRoleArn!,
    ]);
    expect(resourcesOf('iam:PassRole')).toEqual([...new Set(used)].sort());
  });
});

describe('what is kept', () => {
  test('the bucket keeps versions, is encrypted and closed, and outlives the stack', () => {
    const [[, bucket]] = ofType('AWS::S3::Bucket');
    expect(bucket).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        LifecycleConfiguration: {
          Rules: [
            expect.objectContaining({ Status: 'Enabled' }),
            expect.objectContaining({ Status: 'Enabled', Prefix: 'nights/' }),
          ],
        },
      },
    });
    expect(JSON.stringify(bucket.Properties.BucketEncryption)).toContain('aws:kms');
  });

  test('run folders are encrypted, on the disk and on the way; logs end', () => {
    expect(Resources.Files.Properties).toMatchObject({ Encrypted: true, KmsKeyId: 'Key.Arn' });
    const mounts = tasks.flatMap(([, { Properties }]) =>
      (Properties.Volumes as { EFSVolumeConfiguration?: object }[]).flatMap(
        volume => volume.EFSVolumeConfiguration ?? [],
      ),
    );
    expect(mounts).toHaveLength(3);
    for (const mount of mounts)
      expect(mount).toMatchObject({ TransitEncryption: 'ENABLED', AuthorizationConfig: { IAM: 'ENABLED' } });
    expect(Resources.Logs.Properties.RetentionInDays).toBe('LogRetentionDays');
  });
});
