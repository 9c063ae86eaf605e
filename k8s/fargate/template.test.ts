/** The template of the nightly run agrees with the program and its image; cfn-lint finds nothing wrong with it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlias, isScalar, parseDocument, visit } from 'yaml';
import { readSettings } from '../../cli/settings';
import { runCli } from '../../cli/testing/captured-io';
import { ROOT } from '../testing/manifests';

const path = join(__dirname, 'template.yaml');
// What CloudFormation computes (!Ref, !Sub, ...) is read as the text or the list behind it.
const document = parseDocument(readFileSync(path, 'utf8'), { logLevel: 'silent' });

interface Container {
  Command: string[];
  User: string;
  ReadonlyRootFilesystem: boolean;
  LinuxParameters: object;
  Environment: { Name: string; Value: string }[];
  Secrets?: { Name: string }[];
}
interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
}
interface Resource {
  Type: string;
  Properties: {
    ContainerDefinitions?: Container[];
    Policies?: { PolicyDocument: { Statement: Statement[] } }[];
    DefinitionString?: string;
    [name: string]: unknown;
  };
}
const { Resources } = document.toJS() as { Resources: Record<string, Resource> };
const ofType = (type: string) => Object.entries(Resources).filter(([, { Type }]) => Type === type);

const tasks = ofType('AWS::ECS::TaskDefinition').map(
  ([name, { Properties }]) => [name, Properties.ContainerDefinitions![0]] as const,
);

test.each(tasks)('%s is given settings that exist, and runs as the image does', (_, container) => {
  const { Environment, Secrets = [] } = container;
  const environment = Object.fromEntries([
    ...Environment.map(({ Name, Value }) => [
      Name,
      // A parameter or a region stands for a value of its kind.
      Name.endsWith('_BROKERS') ? 'kafka:9093' : Name.endsWith('_REGION') ? 'eu-central-1' : Value,
    ]),
    ...Secrets.map(({ Name }) => [Name, 'given-elsewhere']),
  ]) as Record<string, string>;
  expect(readSettings(environment, null).problems).toEqual([]);
  const [, user] = /^USER (\S+)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))!;
  expect(container).toMatchObject({
    User: user,
    ReadonlyRootFilesystem: true,
    LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
  });
});

test('the archive step is a command of today', async () => {
  const [, { Command }] = tasks.find(([name]) => name === 'ArchiveTask')!;
  expect(Command).toEqual(['archive', 'run', '--once']);
  expect((await runCli([...Command, '--help'], { cwd: ROOT })).code).toBe(0);
});

test('no role may delete, and only what has no resource is allowed on all', () => {
  const statements = ofType('AWS::IAM::Role').flatMap(([, { Properties }]) =>
    Properties.Policies!.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
  );
  expect(statements.length).toBeGreaterThan(10);
  for (const { Action, Resource } of statements) {
    const actions = [Action].flat();
    expect(actions.filter(action => /\*|Delete/.test(action))).toEqual([]);
    if ([Resource].flat().includes('*')) expect(actions).toEqual(['ecr:GetAuthorizationToken']);
  }
});

test('the bucket keeps versions, is encrypted and closed, and outlives the stack', () => {
  const [[, bucket]] = ofType('AWS::S3::Bucket');
  expect(bucket).toMatchObject({
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true },
    },
  });
  expect(JSON.stringify(bucket.Properties.BucketEncryption)).toContain('aws:kms');
});

test('the state machine is JSON, and no task gets a public address', () => {
  const [[, { Properties }]] = ofType('AWS::StepFunctions::StateMachine');
  const definition = Properties.DefinitionString!;
  expect(Object.keys((JSON.parse(definition) as { States: object }).States)).toEqual([
    'Archive',
    'EachPartition',
    'LaterSteps',
  ]);
  const assigned = [...definition.matchAll(/"AssignPublicIp": "(\w+)"/g)].map(([, value]) => value);
  expect(assigned).toEqual(['DISABLED', 'DISABLED', 'DISABLED']);
});

test('CloudFormation takes no aliases of YAML', () => {
  const found: string[] = [];
  visit(document, (_, node) => {
    if (isAlias(node) || (isScalar(node) && node.anchor)) found.push(String(node));
  });
  expect(found).toEqual([]);
});

const linter = [join(__dirname, '.venv', 'bin', 'cfn-lint'), 'cfn-lint'].find(
  name =>
    (name === 'cfn-lint' || existsSync(name)) &&
    spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);
if (linter === undefined)
  process.stderr.write('\n!!! SKIPPED: cfn-lint is not there (`make cfn-lint` installs it).\n\n');

(linter === undefined ? test.skip : test)('cfn-lint finds nothing', () => {
  const { status, stdout, stderr } = spawnSync(linter!, ['-t', path], { encoding: 'utf8' });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
});
