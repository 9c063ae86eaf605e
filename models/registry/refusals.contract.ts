/** What every kind of damage to a registry has in common: it is refused, with the code, the place and the words that it gets. */
import type { TestRegistry } from '../testing/artifacts';
import { DamagedRegistry } from '../testing/damaged-registry';
import type { Malformed } from '../testing/damaged-registry';

/** A test for each case, and one that the registry is accepted before anything is done to it. */
export function refusedWhen(
  cases: readonly Malformed[],
  open: (place: TestRegistry) => Promise<{ release(): Promise<void> }>,
): void {
  let registry: DamagedRegistry;
  beforeEach(async () => void (registry = await DamagedRegistry.make()));
  afterEach(() => registry.remove());

  test.each(cases)('%s', async (_what, damage, code, artifact, reason) => {
    damage(registry);
    const words: unknown = typeof reason === 'string' ? reason : expect.stringMatching(reason);
    expect(await registry.refusal(open)).toEqual({ code, artifact, reason: words });
  });

  test('the registry that the damage is done to is accepted', async () =>
    (await open(registry.place)).release());
}
