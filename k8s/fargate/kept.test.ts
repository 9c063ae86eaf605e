/** What is kept of a night on Fargate, how it is encrypted, and when it ends. */
import { Resources, ofType, tasks } from '../testing/template';
import type { Statement } from '../testing/template';

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

  test('run folders are encrypted, on the disk and on the way', () => {
    expect(Resources.Files.Properties).toMatchObject({ Encrypted: true, KmsKeyId: 'Key.Arn' });
    const mounts = tasks.flatMap(([, { Properties }]) =>
      (Properties.Volumes as { EFSVolumeConfiguration?: object }[]).flatMap(
        volume => volume.EFSVolumeConfiguration ?? [],
      ),
    );
    expect(mounts).toHaveLength(11);
    for (const mount of mounts)
      expect(mount).toMatchObject({ TransitEncryption: 'ENABLED', AuthorizationConfig: { IAM: 'ENABLED' } });
  });

  test('logs are encrypted, by a key that lets CloudWatch write these logs and no other, and they end', () => {
    const logs = ofType('AWS::Logs::LogGroup');
    expect(logs.map(([name]) => name)).toEqual(['Logs', 'NightLogs']);
    for (const [, { Properties }] of logs)
      expect(Properties).toMatchObject({ KmsKeyId: 'Key.Arn', RetentionInDays: 'LogRetentionDays' });
    const [, { Condition }] = (Resources.Key.Properties.KeyPolicy as { Statement: Statement[] }).Statement;
    const groups = logs.map(
      ([, { Properties }]) =>
        `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:${Properties.LogGroupName as string}`,
    );
    expect(Condition).toEqual({ ArnEquals: { 'kms:EncryptionContext:aws:logs:arn': groups } });
  });

  test('the state machine has a log, with the reasons of failures', () => {
    const [[, { Properties }]] = ofType('AWS::StepFunctions::StateMachine');
    expect(Properties.LoggingConfiguration).toEqual({
      Level: 'ALL',
      IncludeExecutionData: true,
      Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: 'NightLogs.Arn' } }],
    });
  });
});
