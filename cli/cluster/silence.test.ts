import { SECOND_MS } from '../../schemas';
import { SILENCE_MS, Silence } from './silence';

/** Looks every second for so long, without an answer since `answeredAt`. */
function look(silence: Silence, from: number, seconds: number, answeredAt: number): number {
  let silentMs = 0;
  for (let at = 1; at <= seconds; at++) silentMs = silence.at(from + at * SECOND_MS, answeredAt);
  return silentMs;
}

test('a process that is awake counts from the last answer', () => {
  expect(look(new Silence(0), 0, 61, 0)).toBeGreaterThan(SILENCE_MS);
  expect(look(new Silence(0), 0, 61, 30 * SECOND_MS)).toBe(31 * SECOND_MS);
});

test('it is silent from its start on when no broker ever answers', () => {
  expect(look(new Silence(1_000_000), 1_000_000, 61, 0)).toBe(61 * SECOND_MS);
});

test.each([5, 40, 90])('standing still for %d s is no silence of a broker', seconds => {
  const silence = new Silence(0);
  look(silence, 0, 3, 3 * SECOND_MS);
  expect(silence.at((3 + seconds) * SECOND_MS, 3 * SECOND_MS)).toBeLessThanOrEqual(10 * SECOND_MS);
});

test('after a standstill the silence is counted anew, and is one when nobody answers', () => {
  const silence = new Silence(0);
  silence.at(90 * SECOND_MS, 0);
  expect(look(silence, 90 * SECOND_MS, 59, 0)).toBeLessThan(SILENCE_MS);
  expect(look(silence, 149 * SECOND_MS, 2, 0)).toBeGreaterThan(SILENCE_MS);
});
