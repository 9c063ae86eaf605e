/** What a registry promises whatever it is kept in: the current model works, at every moment and after any ending. */
import fc from 'fast-check';
import { ArtifactError } from '../errors';
import { newSigningKey } from '../signing';
import type { SigningKey } from '../signing';
import {
  DECISION,
  TEST_SET,
  accept,
  draftOf,
  filesOf,
  illustrated,
  publishTiny,
  relativeLinks,
  tinyModel,
  treesOf,
} from '../testing/artifacts';
import { damagingStore, dyingStore, scheduledStore } from '../testing/bad-day-stores';
import { readAudit } from './audit';
import { utf8 } from './files';
import { ARTIFACT_FILES } from './manifest';
import type { ArtifactFiles } from './manifest';
import { currentPointer, loadArtifact, loadVersion, seenPointer } from './registry';
import type { StorePlace } from './registry';
import { promoteVersion, publishSealed, rollBack } from './publish';
import { seal } from './sealed';
import type { SealedVersion } from './sealed';
import type { RegistryStore } from './store';

type TestPlace = StorePlace & { key: SigningKey };

/** How much of the crashes, the damage and the interleavings is tried where every operation takes its time. */
export interface Thoroughness {
  /** Every so many steps a crash. */
  crashEvery: number;
  /** Where in an object a bit is turned, as shares of its length. */
  damageAt: readonly number[];
  interleavings: number;
}

/** `openEmpty` gives a place of its own to each call. */
export function registryContract(
  name: string,
  openEmpty: () => RegistryStore,
  { crashEvery, damageAt, interleavings }: Thoroughness,
): void {
  describe(name, () => {
    const key = newSigningKey();
    const placeOf = (store: RegistryStore): TestPlace => ({
      store,
      set: TEST_SET,
      key,
      keys: [{ publicKey: key.publicKey, sets: [TEST_SET] }],
    });
    /** A churn model that differs by its base, so that versions differ. */
    const sealed = (base: number, seed = 1, pictures: Partial<ArtifactFiles> = {}): SealedVersion => {
      const model = tinyModel(true, { base });
      const trees = Buffer.from(JSON.stringify(treesOf('churn', model)));
      const files = { ...filesOf(model), 'trees.json': trees, ...pictures };
      return seal(draftOf('churn', files['model.onnx'], { seed }), files, key);
    };
    const publish = (place: StorePlace, one: SealedVersion) => publishSealed(place, one, accept, DECISION);
    const currentOf = async (place: StorePlace): Promise<string> =>
      (await loadArtifact(place, 'churn')).manifest.version;
    const codeOf = async (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'done',
        (error: unknown) => {
          if (error instanceof ArtifactError) return error.code;
          throw error;
        },
      );
    const moveIsAudited = async (place: StorePlace): Promise<void> => {
      const { version, sequence } = (await currentPointer(place, 'churn'))!;
      expect(await readAudit(place.store, 'churn', 10)).toContainEqual(
        expect.objectContaining({ version, sequence }),
      );
    };
    let place: TestPlace;
    const [first, second, third] = [sealed(0.5), sealed(1), sealed(2)];
    const withPictures = sealed(3, 1, illustrated());
    const fresh = async (): Promise<TestPlace> => {
      const made = placeOf(openEmpty());
      await publish(made, first);
      return made;
    };
    beforeEach(async () => void (place = await fresh()));
    afterEach(() => place.store.close());

    test('what is published is current, loads, and counts the moves', async () => {
      await publish(place, second);
      expect(await currentPointer(place, 'churn')).toMatchObject({
        version: second.version,
        sequence: 2,
        previous: first.version,
      });
      expect(await currentOf(place)).toBe(second.version);
      await loadVersion(place, 'churn', first.version, null);
    });

    test('the same publication again changes nothing', async () => {
      const before = await place.store.list('');
      await publish(place, first);
      expect(await place.store.list('')).toEqual(before);
      expect(await currentPointer(place, 'churn')).toMatchObject({ sequence: 1 });
    });

    test('another artifact under a version that exists is refused', async () => {
      const other = sealed(0.5, 2);
      expect(other.version).toBe(first.version);
      expect(await codeOf(publish(place, other))).toBe('version-exists');
      expect((await loadArtifact(place, 'churn')).manifest.seed).toBe(1);
    });

    test('what the caller does not accept, and what no trusted key signed, is never uploaded', async () => {
      const before = await place.store.list('');
      const refuse = () => Promise.reject(new ArtifactError('golden-mismatch', 'churn', 'no'));
      expect(await codeOf(publishSealed(place, second, refuse, DECISION))).toBe('golden-mismatch');
      const stranger = { ...second, signature: Buffer.from(second.signature) };
      const strange = newSigningKey();
      const files = filesOf(tinyModel(true, { base: 1 }));
      Object.assign(stranger, seal(draftOf('churn', files['model.onnx']), files, strange));
      expect(await codeOf(publish(place, stranger))).toBe('signer-unknown');
      expect(await place.store.list('')).toEqual(before);
    });

    test('a crash at any step, before or after it took effect: the current model works, and a second run ends well', async () => {
      let steps = 0;
      for (const when of ['before', 'after'] as const)
        for (let step = 1; ; step += crashEvery) {
          const one = await fresh();
          const dying = dyingStore(one.store, step, when);
          const ended = await publish(placeOf(dying), second).then(
            () => 'published',
            () => 'died',
          );
          if (ended === 'published') break;
          steps++;
          expect([first.version, second.version]).toContain(await currentOf(one));
          await moveIsAudited(one);
          await publish(one, second);
          expect(await currentOf(one)).toBe(second.version);
          expect(await currentPointer(one, 'churn')).toMatchObject({ sequence: 2, previous: first.version });
          one.store.close();
        }
      // Six objects are written and read back, and the pointer is seen and moved.
      expect(steps).toBeGreaterThanOrEqual((2 * 14) / crashEvery);
    }, 300_000);

    test('every relative link of a published card leads to an object of its version', async () => {
      await publish(place, withPictures);
      const folder = `churn/${withPictures.version}`;
      const card = await place.store.read(`${folder}/card.md`, 1_000);
      const links = relativeLinks(utf8(card!.bytes));
      expect(links).toEqual(['calibration.svg', 'lift.svg']);
      const objects = await place.store.list(`${folder}/`);
      for (const link of links) expect(objects).toContain(`${folder}/${link}`);
    });

    test.each(['manifest.json', 'manifest.sig', ...ARTIFACT_FILES])(
      'a bit of %s is turned on the way: refused, the current model works, and a second run repairs it',
      async file => {
        for (const share of damageAt) {
          const one = await fresh();
          expect(
            await codeOf(publish(placeOf(damagingStore(one.store, file, share)), withPictures)),
          ).not.toBe('done');
          expect(await currentOf(one)).toBe(first.version);
          await publish(one, withPictures);
          expect(await currentOf(one)).toBe(withPictures.version);
          one.store.close();
        }
      },
      120_000,
    );

    test('publishers who overtake one another, in any order of their steps: one moves the pointer, the others are told', async () => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), async scheduler => {
          const one = await fresh();
          const inTurn = scheduledStore(one.store, (answer, label) => scheduler.schedule(answer, label));
          const all = [second, third, sealed(1, 2)].map(version => codeOf(publish(placeOf(inTurn), version)));
          const ended = Promise.all(all);
          await scheduler.waitFor(ended);
          const codes = await ended;
          const moves = (await currentPointer(one, 'churn'))!.sequence - 1;
          expect(codes.filter(code => code === 'done')).toHaveLength(moves);
          expect(moves).toBeGreaterThanOrEqual(1);
          for (const code of codes) expect(['done', 'pointer-moved', 'version-exists']).toContain(code);
          // Whoever won is whole; whoever lost changed nothing of it.
          await loadArtifact(one, 'churn');
          await moveIsAudited(one);
          one.store.close();
        }),
        { numRuns: interleavings },
      );
    }, 300_000);

    test('a rollback goes to the version before, and publishing does not undo it; a promotion does', async () => {
      await publish(place, second);
      await rollBack(place, 'churn', accept, { ...DECISION, reason: 'too many alerts' });
      expect(await currentPointer(place, 'churn')).toMatchObject({
        version: first.version,
        sequence: 3,
        previous: null,
        withdrawn: [second.version],
      });
      expect(await codeOf(publish(place, second))).toBe('version-withdrawn');
      expect(await codeOf(rollBack(place, 'churn', accept, DECISION))).toBe('rollback-impossible');
      const seen = await seenPointer(place, 'churn');
      await promoteVersion(place, 'churn', second.version, accept, DECISION, seen);
      const pointer = await currentPointer(place, 'churn');
      expect(pointer).toMatchObject({ version: second.version, sequence: 4, previous: first.version });
      expect(pointer).not.toHaveProperty('withdrawn');
    });

    test('a promotion that was decided on an older pointer is refused', async () => {
      const seen = await seenPointer(place, 'churn');
      await publish(place, second);
      await publish(place, third);
      expect(await codeOf(promoteVersion(place, 'churn', second.version, accept, DECISION, seen))).toBe(
        'pointer-moved',
      );
      expect(await currentOf(place)).toBe(third.version);
    });

    test('neither promotion nor rollback goes to a version that is damaged, missing or outside', async () => {
      const seen = await seenPointer(place, 'churn');
      for (const [version, code] of [
        ['20250101T000000Z-00000000', 'version-missing'],
        ['../churn', 'version-malformed'],
      ] as const) {
        expect(await codeOf(promoteVersion(place, 'churn', version, accept, DECISION, seen))).toBe(code);
        expect(await codeOf(rollBack(place, 'churn', accept, DECISION, version))).toBe(code);
      }
      const card = await place.store.read(`churn/${first.version}/card.md`, 1_000);
      await publish(place, second);
      await place.store.swap(`churn/${first.version}/card.md`, Buffer.from('# Another\n'), card!.tag);
      expect(await codeOf(rollBack(place, 'churn', accept, DECISION))).toBe('file-digest-mismatch');
      expect(await currentOf(place)).toBe(second.version);
    });

    test('every decision leaves one line, in order, and none is ever lost', async () => {
      await publish(place, second);
      await rollBack(place, 'churn', accept, { ...DECISION, at: DECISION.at + 1, reason: 'alerts' });
      await publishTiny(place, 'ltv');
      expect(
        (await readAudit(place.store, 'churn', 10)).map(({ action, version, sequence, reason }) => [
          action,
          version,
          sequence,
          reason,
        ]),
      ).toEqual(
        expect.arrayContaining([
          ['publish', first.version, 1, ''],
          ['publish', second.version, 2, ''],
          ['rollback', first.version, 3, 'alerts'],
        ]),
      );
      expect((await readAudit(place.store, 'churn', 1))[0]).toMatchObject({ action: 'rollback' });
      const seen = await seenPointer(place, 'churn');
      const wordy = { ...DECISION, at: DECISION.at + 2, reason: 'x'.repeat(1 << 20) };
      await promoteVersion(place, 'churn', second.version, accept, wordy, seen);
      expect((await readAudit(place.store, 'churn', 1))[0]!.reason).toMatch(/^x{1000,}$/);
    });
  });
}
