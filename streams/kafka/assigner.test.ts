/** Laws of the assignment: balanced, complete, sticky, and the same whoever computes it. */
import * as fc from 'fast-check';
import { AssignerProtocol } from 'kafkajs';
import type { Cluster } from 'kafkajs';
import { assignUnits, createAssigner } from './assigner';
import type { MemberClaims, Ownership } from './assigner';

const TOPICS = ['orders', 'web-events'];
const ownership = fc.record({ partition: fc.nat(40), epoch: fc.nat(6), since: fc.nat(5) });
/** Claims overlap, contradict each other and name partitions that are not there. */
const anyMembers = fc.uniqueArray(
  fc.record({ memberId: fc.string({ maxLength: 3 }), held: fc.array(ownership, { maxLength: 24 }) }),
  { minLength: 1, maxLength: 7, selector: ({ memberId }) => memberId },
);
const anyWorld = fc.record({
  members: anyMembers,
  units: fc.nat(24),
  unitSize: fc.integer({ min: 1, max: 4 }),
});

const sizes = (assigned: ReadonlyMap<string, readonly number[]>): number[] =>
  [...assigned.values()].map(({ length }) => length);

/** What members say after they were given these units. */
const claimsAfter = (assigned: ReadonlyMap<string, readonly number[]>, unitSize: number): MemberClaims[] =>
  [...assigned].map(([memberId, units]) => ({
    memberId,
    held: units.map((unit, at) => ({
      partition: unit * unitSize,
      epoch: unit + 1,
      since: units.length - at,
    })),
  }));

const ownerOf = (assigned: ReadonlyMap<string, readonly number[]>): Map<number, string> =>
  new Map([...assigned].flatMap(([memberId, units]) => units.map(unit => [unit, memberId] as const)));

/** Units by the only member that held any of their partitions at the highest epoch; contested ones are left out. */
function undisputed({
  members,
  units,
  unitSize,
}: {
  members: readonly MemberClaims[];
  units: number;
  unitSize: number;
}) {
  const claims = new Map<string, { unit: number; since: number }[]>(
    members.map(({ memberId }) => [memberId, []]),
  );
  for (let unit = 0; unit < units; unit++) {
    const inUnit = ({ held }: MemberClaims): readonly Ownership[] =>
      held.filter(({ partition }) => Math.floor(partition / unitSize) === unit);
    const epochOf = (member: MemberClaims): number =>
      Math.max(-1, ...inUnit(member).map(({ epoch }) => epoch));
    const epoch = Math.max(...members.map(epochOf));
    const claimants = members.filter(member => epochOf(member) === epoch);
    if (epoch < 0 || claimants.length !== 1) continue;
    const newest = inUnit(claimants[0]!).filter(one => one.epoch === epoch);
    const since = Math.min(...newest.map(one => one.since));
    claims.get(claimants[0]!.memberId)!.push({ unit, since });
  }
  return claims;
}

describe('units', () => {
  test('each goes to one member, every member is in the answer, and sizes differ by one at most', () =>
    fc.assert(
      fc.property(anyWorld, ({ members, units, unitSize }) => {
        const assigned = assignUnits(members, units, unitSize);
        expect([...assigned.keys()].sort()).toEqual(members.map(({ memberId }) => memberId).sort());
        expect([...assigned.values()].flat().sort((a, b) => a - b)).toEqual(
          Array.from({ length: units }, (_, unit) => unit),
        );
        expect(Math.max(...sizes(assigned)) - Math.min(...sizes(assigned))).toBeLessThanOrEqual(1);
      }),
    ));

  test('the order of members and of their claims says nothing', () =>
    fc.assert(
      fc.property(
        anyWorld.chain(world =>
          fc.record({
            world: fc.constant(world),
            shuffled: fc.shuffledSubarray(world.members, { minLength: world.members.length }),
          }),
        ),
        ({ world: { members, units, unitSize }, shuffled }) => {
          const reversed = shuffled.map(({ memberId, held }) => ({ memberId, held: [...held].reverse() }));
          const asObject = (given: readonly MemberClaims[]): object =>
            Object.fromEntries(assignUnits(given, units, unitSize));
          expect(asObject(reversed)).toEqual(asObject(members));
        },
      ),
    ));

  test('a member keeps what it alone holds with the highest epoch, the longest held first, up to its quota', () =>
    fc.assert(
      fc.property(anyWorld, world => {
        const { members, units, unitSize } = world;
        const assigned = assignUnits(members, units, unitSize);
        for (const [memberId, claims] of undisputed(world)) {
          const mine = assigned.get(memberId)!;
          const lost = claims.filter(({ unit }) => !mine.includes(unit));
          if (lost.length === 0) continue;
          // There was no room for what was lost, and all that was kept is as old.
          expect(mine.length).toBeGreaterThanOrEqual(Math.floor(units / members.length));
          const longestLost = Math.min(...lost.map(({ since }) => since));
          for (const { unit, since } of claims)
            if (mine.includes(unit)) expect(since).toBeLessThanOrEqual(longestLost);
        }
      }),
    ));

  const balanced = fc
    .record({
      ids: fc.uniqueArray(fc.string({ maxLength: 3 }), { minLength: 2, maxLength: 8 }),
      units: fc.nat(24),
      unitSize: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ ids, units, unitSize }) => {
      const [one, ...others] = ids as [string, ...string[]];
      const fresh = (names: readonly string[]): MemberClaims[] =>
        names.map(memberId => ({ memberId, held: [] }));
      return { one, all: fresh([one, ...others]), others: fresh(others), units, unitSize };
    });

  test('nothing moves while the members stay', () =>
    fc.assert(
      fc.property(balanced, ({ all, units, unitSize }) => {
        const before = assignUnits(all, units, unitSize);
        expect(assignUnits(claimsAfter(before, unitSize), units, unitSize)).toEqual(before);
      }),
    ));

  test('a member that joins is given what it gets, and nothing else moves', () =>
    fc.assert(
      fc.property(balanced, ({ one, others, units, unitSize }) => {
        const before = assignUnits(others, units, unitSize);
        const joined = [...claimsAfter(before, unitSize), { memberId: one, held: [] }];
        const after = assignUnits(joined, units, unitSize);
        for (const [unit, owner] of ownerOf(after))
          if (owner !== one) expect(before.get(owner)).toContain(unit);
      }),
    ));

  test('what is taken over for a member and goes back when it returns disturbs nothing else', () =>
    fc.assert(
      fc.property(balanced, ({ one, all, units, unitSize }) => {
        const before = assignUnits(all, units, unitSize);
        const away = claimsAfter(before, unitSize).filter(({ memberId }) => memberId !== one);
        const meanwhile = assignUnits(away, units, unitSize);
        const again = away.map(({ memberId, held }) => {
          const kept = held.map(({ partition }) => Math.floor(partition / unitSize));
          const taken = meanwhile.get(memberId)!.filter(unit => !kept.includes(unit));
          const since = 100;
          return {
            memberId,
            held: [...held, ...taken.map(unit => ({ partition: unit * unitSize, epoch: 99, since }))],
          };
        });
        const after = assignUnits([...again, { memberId: one, held: [] }], units, unitSize);
        for (const { memberId, held } of away)
          for (const { partition } of held) expect(after.get(memberId)).toContain(partition / unitSize);
      }),
    ));

  test('what a member leaves behind is handed out, and nothing else moves', () =>
    fc.assert(
      fc.property(balanced, ({ one, all, units, unitSize }) => {
        const before = assignUnits(all, units, unitSize);
        const left = claimsAfter(before, unitSize).filter(({ memberId }) => memberId !== one);
        const after = ownerOf(assignUnits(left, units, unitSize));
        for (const [unit, owner] of ownerOf(before)) if (owner !== one) expect(after.get(unit)).toBe(owner);
      }),
    ));
});

/** What the assigner asks of its connection. */
const clusterOf = (counts: Readonly<Record<string, number>>): Cluster =>
  ({
    findTopicPartitionMetadata: (topic: string) => Array.from({ length: counts[topic]! }),
  }) as unknown as Cluster;

const evenly = (partitions: number): Cluster =>
  clusterOf(Object.fromEntries(TOPICS.map(topic => [topic, partitions])));

/** As the group sends it to its leader. */
const member = (memberId: string, held: readonly Ownership[], unitSize: number) => ({
  memberId,
  memberMetadata: createAssigner({ unitSize, held: () => held })({ cluster: evenly(0) }).protocol({
    topics: TOPICS,
  }).metadata,
});

async function assigned(
  members: readonly { memberId: string; memberMetadata: Buffer }[],
  partitions: number,
  unitSize = 2,
): Promise<Map<string, Record<string, readonly number[]>>> {
  const assigner = createAssigner({ unitSize, held: () => [] })({ cluster: evenly(partitions) });
  const answer = await assigner.assign({ members: [...members], topics: TOPICS });
  return new Map(
    answer.map(({ memberId, memberAssignment }) => [
      memberId,
      AssignerProtocol.MemberAssignment.decode(memberAssignment)!.assignment,
    ]),
  );
}

describe('partitions', () => {
  test('each of every input goes to one member, neighbours and inputs together, none to who has nothing', () =>
    fc.assert(
      fc.asyncProperty(
        anyMembers,
        fc.nat(40),
        fc.integer({ min: 1, max: 5 }),
        async (members, partitions, unitSize) => {
          const given = await assigned(
            members.map(({ memberId, held }) => member(memberId, held, unitSize)),
            partitions,
            unitSize,
          );
          expect([...given.keys()].sort()).toEqual(members.map(({ memberId }) => memberId).sort());
          const owners = new Map<number, string>();
          for (const [memberId, { orders = [], 'web-events': events = [] }] of given) {
            expect(events).toEqual(orders);
            for (const partition of orders) {
              expect(owners.has(partition)).toBe(false);
              owners.set(partition, memberId);
            }
          }
          expect([...owners.keys()].sort((a, b) => a - b)).toEqual(
            Array.from({ length: partitions }, (_, partition) => partition),
          );
          for (const [partition, owner] of owners)
            expect(owners.get(Math.floor(partition / unitSize) * unitSize)).toBe(owner);
        },
      ),
    ));

  test('different numbers of partitions are an error that names them', async () => {
    const cluster = clusterOf({ orders: 4, 'web-events': 8 });
    const assigner = createAssigner({ unitSize: 2, held: () => [] })({ cluster });
    // Thrown or rejected: kafkajs awaits it.
    const assign = async () => assigner.assign({ members: [member('a', [], 2)], topics: TOPICS });
    await expect(assign()).rejects.toThrow('orders 4, web-events 8');
  });
});

describe('what members say', () => {
  const OWN = { held: [[0, 7, 3]] };
  const saying = (memberId: string, userData: Buffer, version = 1) => ({
    memberId,
    memberMetadata: AssignerProtocol.MemberMetadata.encode({ version, topics: TOPICS, userData }),
  });
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  /** Of two members, `a` holds nothing and comes first, so only a claim puts the first unit at `b`. */
  const getsFirst = async (b: { memberId: string; memberMetadata: Buffer }): Promise<boolean> =>
    (await assigned([member('a', [], 2), b], 4)).get('b')!['orders']!.includes(0);

  test('what is held is heard', async () => {
    expect(await getsFirst(member('b', [{ partition: 0, epoch: 7, since: 3 }], 2))).toBe(true);
    expect(await getsFirst(saying('b', json(OWN)))).toBe(true);
    expect(await getsFirst(member('b', [], 2))).toBe(false);
  });

  test.each<[string, { memberId: string; memberMetadata: Buffer }]>([
    ['no bytes', { memberId: 'b', memberMetadata: Buffer.alloc(0) }],
    ['no user data', saying('b', Buffer.alloc(0))],
    ['not JSON', saying('b', Buffer.from([0, 1, 255]))],
    ['an older version', saying('b', json(OWN), 0)],
    ['a version to come', saying('b', json(OWN), 2)],
    ["another assigner's", saying('b', json({ partitions: { orders: [0] } }))],
    ['a negative epoch', saying('b', json({ held: [[0, -7, 3]] }))],
    ['a partition that is no number', saying('b', json({ held: [['0', 7, 3]] }))],
    ['half of it', saying('b', json(OWN).subarray(0, 8))],
  ])('%s is nothing held', async (_what, b) => expect(await getsFirst(b)).toBe(false));

  test('any bytes at all are nothing worse than nothing held', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async bytes => {
        const given = await assigned(
          [member('a', [], 2), { memberId: 'b', memberMetadata: Buffer.from(bytes) }],
          4,
        );
        expect([...given.values()].map(({ orders }) => orders!.length)).toEqual([2, 2]);
      }),
    ));
});
