/** The line through memory, and what tells a wrong attribution. */
import { Random } from '../../processors/sim/random';
import type { EngagementScore } from '../../schemas';
import { NAMES, VERSIONS, answerOf } from './registry';
import type { Name, Place } from './registry';
import { attributionOf } from './scores';
import { growth } from './watching';

const looks = (megabytes: (swaps: number) => number) =>
  Array.from({ length: 80 }, (_, at) => ({ swaps: 25 * (at + 1), megabytes: megabytes(25 * (at + 1)) }));

describe('growth', () => {
  test('a straight line has its slope and no error, whatever came before the second half', () => {
    const { slope, error } = growth(looks(swaps => (swaps <= 1_000 ? 5 * swaps : 150 + 0.004 * swaps)));
    expect(slope).toBeCloseTo(4, 9);
    expect(error).toBeCloseTo(0, 9);
  });

  test('noise is in the error: two in three slopes of flat memory lie within it', () => {
    const random = new Random(1);
    let within = 0;
    for (let round = 0; round < 300; round++) {
      const { slope, error } = growth(looks(() => 150 + random.next()));
      if (Math.abs(slope) <= error) within++;
    }
    expect(within / 300).toBeGreaterThan(0.55);
    expect(within / 300).toBeLessThan(0.8);
  });

  test('two looks in the second half tell nothing', () => {
    expect(growth(looks(swaps => swaps).slice(0, 4)).error).toBeNaN();
  });
});

describe('attribution', () => {
  const versions = Object.fromEntries(
    NAMES.map(name => [
      name,
      new Map(
        Array.from({ length: VERSIONS }, (_, at) => [`v${at}`, { digest: '', answer: answerOf(name, at) }]),
      ),
    ]),
  ) as Place['versions'];
  const score = (made: Record<Name, number>, said: Record<Name, string>): EngagementScore =>
    ({
      engagement: Math.fround(answerOf('engagement', made.engagement)),
      churn30d: Math.fround(answerOf('churn', made.churn)),
      ltvMinor: 100 * answerOf('ltv', made.ltv),
      models: NAMES.map(name => ({ name, version: said[name] })),
    }) as unknown as EngagementScore;
  const V3 = { engagement: 3, churn: 3, ltv: 3 };
  const SAID = { engagement: 'v3', churn: 'v3', ltv: 'v3' };

  test('a score of the versions that it names is right', () => {
    expect(attributionOf(score(V3, SAID), { versions })).toBe('right');
  });

  test.each(NAMES)('one that another version of %s made is not', name => {
    for (let other = 0; other < VERSIONS; other++)
      expect(attributionOf(score({ ...V3, [name]: other }, SAID), { versions })).toBe(
        other === 3 ? 'right' : 'misattributed',
      );
  });

  test('nor one that names a version that is none, or leaves a model out', () => {
    expect(attributionOf(score(V3, { ...SAID, churn: 'v9' }), { versions })).toBe('unattributed');
    const whole = score(V3, SAID);
    expect(attributionOf({ ...whole, models: whole.models.slice(1) }, { versions })).toBe('unattributed');
  });
});
