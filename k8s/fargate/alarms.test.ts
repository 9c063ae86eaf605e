/** How a night ends, and who hears of it: each way to go wrong has an alarm of its own. */
import { Parameters, Resources, States, ofType, type Rule } from '../testing/template';

const { Night } = Resources;
const propertiesOf = (name: string): object => Resources[name].Properties;
const secondsOf = (name: string): number => {
  const { Period, EvaluationPeriods } = propertiesOf(name) as Record<string, number>;
  return Period * EvaluationPeriods;
};
const DAY = 86_400;

describe('a night with a check that failed', () => {
  test('has its report, as checks do not stop it', () => {
    expect(States.Consistency.Catch).toEqual([
      { ErrorEquals: ['States.ALL'], ResultPath: '$.consistency', Next: 'Drift' },
    ]);
    expect(States.Drift.Catch).toEqual([
      { ErrorEquals: ['States.ALL'], ResultPath: '$.drift', Next: 'Report' },
    ]);
    const caught = Object.entries(States).filter(([, state]) => state.Catch);
    expect(caught.map(([name]) => name)).toEqual(['Consistency', 'Drift']);
  });

  interface Caught {
    Error: string;
    Cause?: string;
  }
  const valueAt = (path: string, input: object): unknown =>
    path
      .slice(2)
      .split('.')
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], input);

  /** Rules as the language of the state machine has them; asking what is not there is its error, unless for presence. */
  function holds({ And, Or, Not, Variable, IsPresent, StringMatches }: Rule, input: object): boolean {
    if (And) return And.every(rule => holds(rule, input));
    if (Or) return Or.some(rule => holds(rule, input));
    if (Not) return !holds(Not, input);
    const value = valueAt(Variable!, input);
    if (IsPresent !== undefined) return (value !== undefined) === IsPresent;
    if (typeof value !== 'string') throw new Error(`${Variable} is no text`);
    const [before, after, ...more] = StringMatches!.split('*').slice(1);
    expect(more).toEqual([]);
    expect(after).toBe('');
    return value.includes(before);
  }
  const verdictOn = (input: { consistency?: Caught; drift?: Caught }): string =>
    States.Verdict.Choices!.find(rule => holds(rule, input))?.Next ?? States.Verdict.Default!;

  /** What Step Functions says of a task whose container ended so; null: it never ran. */
  const ended = (code: number | null): Caught => ({
    Error: 'States.TaskFailed',
    Cause: JSON.stringify({
      Containers: [{ ...(code === null ? {} : { ExitCode: code }), LastStatus: 'STOPPED' }],
    }),
  });
  const found = ended(1);
  const late: Caught = { Error: 'States.Timeout' };

  test.each([
    ['nothing', {}, 'Well'],
    ['consistency found something', { consistency: found }, 'Problem'],
    ['drift could not look, and said why', { drift: found }, 'Problem'],
    ['both did', { consistency: found, drift: found }, 'Problem'],
    ['consistency was killed for memory', { consistency: ended(137) }, 'Broken'],
    ['drift was not understood', { drift: ended(2) }, 'Broken'],
    ['drift was never started', { drift: ended(null) }, 'Broken'],
    ['consistency ran out of time', { consistency: late }, 'Broken'],
    ['one found something and the other was killed', { consistency: found, drift: ended(137) }, 'Broken'],
    ['the other way round', { consistency: late, drift: found }, 'Broken'],
  ])('%s: %j is %s', (_, input, verdict) => expect(verdictOn(input)).toBe(verdict));

  test('fails, and its error tells what a check said from a check that broke', () => {
    expect(States.Problem).toMatchObject({ Type: 'Fail', Error: 'CheckFailed' });
    expect(States.Broken).toMatchObject({ Type: 'Fail', Error: 'CheckBroken' });
  });
});

describe('alarms', () => {
  const alarms = [...ofType('AWS::CloudWatch::Alarm'), ...ofType('AWS::CloudWatch::CompositeAlarm')];

  test('are these, and all but one tell somebody', () => {
    expect(alarms.map(([name]) => name).sort()).toEqual([
      'BrokenAlarm',
      'CheckFailedAlarm',
      'ChurnWorseAlarm',
      'EngagementWorseAlarm',
      'FailedAlarm',
      'LateAlarm',
      'LtvWorseAlarm',
      'MissedAlarm',
      'NotBegunAlarm',
      'ScoresDifferAlarm',
      'SilentAlarm',
      'TimedOutAlarm',
    ]);
    for (const [name, { Properties }] of alarms)
      expect([name, Properties.AlarmActions]).toEqual([
        name,
        name === 'FailedAlarm' ? undefined : ['AlarmTopicArn'],
      ]);
  });

  test('a step that broke is one alarm, a check that failed another: of the same night one is heard', () => {
    expect(propertiesOf('ChecksFailed')).toEqual({
      LogGroupName: 'NightLogs',
      FilterPattern: '{ $.type = "ExecutionFailed" && $.details.error = "CheckFailed" }',
      MetricTransformations: [
        { MetricNamespace: 'rescore/${AWS::StackName}', MetricName: 'ChecksFailed', MetricValue: '1' },
      ],
    });
    expect(propertiesOf('CheckFailedAlarm')).toMatchObject({
      Namespace: 'rescore/${AWS::StackName}',
      MetricName: 'ChecksFailed',
      TreatMissingData: 'notBreaching',
    });
    expect(propertiesOf('FailedAlarm')).toMatchObject({
      Namespace: 'AWS/States',
      MetricName: 'ExecutionsFailed',
    });
    // Without the log there is no suppressor, and the failure is heard as one of a step.
    expect(propertiesOf('BrokenAlarm')).toMatchObject({
      AlarmRule: 'ALARM("${FailedAlarm}")',
      ActionsSuppressor: 'CheckFailedAlarm.Arn',
    });
    const { ActionsSuppressorWaitPeriod: wait, ActionsSuppressorExtensionPeriod: longer } = propertiesOf(
      'BrokenAlarm',
    ) as Record<string, number>;
    // Both stay in alarm after one failure: gone before the wait is over, it would never be heard of.
    for (const name of ['FailedAlarm', 'CheckFailedAlarm'])
      expect(propertiesOf(name)).toMatchObject({ DatapointsToAlarm: 1, Period: 300 });
    expect(secondsOf('FailedAlarm')).toBeGreaterThanOrEqual(2 * wait);
    expect(wait).toBeGreaterThanOrEqual(600);
    // The one that suppresses may come as much earlier, and goes as much earlier.
    expect(secondsOf('CheckFailedAlarm') + longer).toBeGreaterThan(secondsOf('FailedAlarm') + wait);
  });

  test('a clock starts it; a night that does not begin is heard of, whoever is at fault', () => {
    const { Target } = propertiesOf('Nightly') as {
      Target: { Arn: string; DeadLetterConfig: object; RetryPolicy: { MaximumEventAgeInSeconds: number } };
    };
    expect(Target).toMatchObject({ Arn: 'Night', DeadLetterConfig: { Arn: 'Missed.Arn' } });
    expect(propertiesOf('MissedAlarm')).toMatchObject({
      Namespace: 'AWS/SQS',
      Dimensions: [{ Name: 'QueueName', Value: 'Missed.QueueName' }],
    });
    expect(propertiesOf('NotBegunAlarm')).toMatchObject({
      MetricName: 'ExecutionsStarted',
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
    expect(secondsOf('NotBegunAlarm')).toBeGreaterThan(DAY + Target.RetryPolicy.MaximumEventAgeInSeconds);
  });

  test('so is one that does not end: late, ended by force, or without success until the next should have had it', () => {
    const { TimeoutSeconds } = Night.Properties.Definition as unknown as { TimeoutSeconds: number };
    expect(propertiesOf('LateAlarm')).toMatchObject({ Threshold: 'LateMinutes' });
    const { MaxValue } = Parameters.LateMinutes as { MaxValue: number };
    expect(MaxValue * 60).toBeLessThanOrEqual(TimeoutSeconds);
    expect(propertiesOf('TimedOutAlarm')).toMatchObject({ MetricName: 'ExecutionsTimedOut' });
    expect(propertiesOf('SilentAlarm')).toMatchObject({
      MetricName: 'ExecutionsSucceeded',
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
    expect(secondsOf('SilentAlarm')).toBeGreaterThanOrEqual(DAY + TimeoutSeconds);
  });

  test('those of a state machine look at this one', () => {
    const text = (properties: unknown): string => JSON.stringify(properties);
    for (const [name, { Properties }] of alarms)
      if (text(Properties).includes('AWS/States'))
        expect([name, text(Properties)]).toEqual([
          name,
          expect.stringContaining(text([{ Name: 'StateMachineArn', Value: 'Night' }])),
        ]);
  });
});
