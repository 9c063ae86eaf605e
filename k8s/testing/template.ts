/** The template of the nightly run as its tests look at it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

export const path = join(__dirname, '../fargate/template.yaml');
// What CloudFormation computes (!Ref, !Sub, ...) is read as the text or the list behind it.
export const document = parseDocument(readFileSync(path, 'utf8'), { logLevel: 'silent' });

interface Container {
  Name: string;
  Command?: string[];
  EntryPoint?: string[];
  User: string;
  ReadonlyRootFilesystem: boolean;
  LinuxParameters: object;
  MountPoints: { SourceVolume: string; ReadOnly?: boolean }[];
  Environment?: { Name: string; Value: string }[];
  Secrets?: { Name: string; ValueFrom: string }[];
  LogConfiguration: { Options: Record<string, string> };
}
export interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: object;
}
/** A rule of a Choice: one of the connectives, or a test of a variable. */
export interface Rule {
  And?: Rule[];
  Or?: Rule[];
  Not?: Rule;
  Variable?: string;
  IsPresent?: boolean;
  StringMatches?: string;
  Next?: string;
}
interface State {
  Type: string;
  Next?: string;
  Default?: string;
  ItemProcessor?: { States: Record<string, State> };
  Parameters?: {
    TaskDefinition: string;
    Overrides?: { ContainerOverrides: { Name: string; 'Command.$': string }[] };
    NetworkConfiguration: {
      AwsvpcConfiguration: { AssignPublicIp: string; SecurityGroups: string[]; Subnets: string[] };
    };
  };
  Choices?: Rule[];
  Catch?: { Next: string; ResultPath: string }[];
}
interface Resource {
  Type: string;
  DependsOn?: string[];
  Properties: {
    Cpu?: string;
    Memory?: string;
    ContainerDefinitions?: Container[];
    Policies?: { PolicyDocument: { Statement: Statement[] } }[];
    Definition?: { StartAt: string; States: Record<string, State> };
    TaskRoleArn?: string;
    ExecutionRoleArn?: string;
    [name: string]: unknown;
  };
}
export const { Resources, Parameters } = document.toJS() as {
  Resources: Record<string, Resource>;
  Parameters: Record<string, { Default?: unknown }>;
};
export const ofType = (type: string) => Object.entries(Resources).filter(([, { Type }]) => Type === type);
export const statementsOf = (role: string): Statement[] =>
  Resources[role].Properties.Policies!.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);

export const tasks = ofType('AWS::ECS::TaskDefinition');
export const containers = tasks.flatMap(([name, { Properties }]) =>
  Properties.ContainerDefinitions!.map(container => [`${name}/${container.Name}`, container] as const),
);
const [[, { Properties: night }]] = ofType('AWS::StepFunctions::StateMachine');
export const { States, StartAt } = night.Definition!;
export const states = Object.entries(States).flatMap(([name, state]) => [
  [name, state] as const,
  ...Object.entries(state.ItemProcessor?.States ?? {}),
]);
export const runs = states.filter(([, { Type }]) => Type === 'Task');
/** The task definition that each of them starts, by the name of the state. */
export const taskOf = Object.fromEntries(
  runs.map(([name, { Parameters: parameters }]) => [name, parameters!.TaskDefinition.slice(2, -1)]),
);

/** The words of States.Array('a', 'b', States.Format(...)): what is computed is a word too. */
export const wordsOf = (expression: string): string[] =>
  [...expression.matchAll(/States\.Format\('([^']*)', [^)]*\)|'([^']*)'/g)].map(
    ([, computed, word]) => computed ?? word,
  );
