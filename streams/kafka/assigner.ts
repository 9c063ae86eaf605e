/**
 * Own sticky partition assigner. Units of G neighbouring partitions move together, and partition p of every input goes
 * to one member. Members say which partitions they hold, under which epoch and since when: a unit stays with the claimant
 * of the highest epoch as long as that one has room, the rest go to whoever has most room. Who has too many keeps those
 * that it has held longest: what it took over for a member that is back goes back, and its own are not disturbed.
 */
import { AssignerProtocol } from 'kafkajs';
import type { Assigner, Cluster, GroupMember, GroupMemberAssignment } from 'kafkajs';
import { z } from 'zod';

export interface Ownership {
  partition: number;
  epoch: number;
  /** By the member's own clock, ms; compared with others of the same member only. */
  since: number;
}

export interface AssignerOptions {
  /** Partitions that move together. */
  unitSize: number;
  /** What this member holds now. */
  held: () => readonly Ownership[];
}

const NAME = 'rescore-sticky';
const VERSION = 1;
const UserData = z.object({ held: z.array(z.tuple([z.int().min(0), z.int().min(0), z.int().min(0)])) });

export const createAssigner =
  ({ unitSize, held }: AssignerOptions) =>
  ({ cluster }: { cluster: Cluster }): Assigner => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => {
      const claims = held().map(({ partition, epoch, since }) => [partition, epoch, since]);
      const userData = Buffer.from(JSON.stringify({ held: claims }));
      return {
        name: NAME,
        metadata: AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData }),
      };
    },
    assign: ({ members, topics }) => Promise.resolve(assignAll(cluster, members, topics, unitSize)),
  });

function assignAll(
  cluster: Cluster,
  members: readonly GroupMember[],
  topics: readonly string[],
  unitSize: number,
): GroupMemberAssignment[] {
  const counts = topics.map(topic => cluster.findTopicPartitionMetadata(topic).length);
  const [partitions = 0] = counts;
  if (counts.some(count => count !== partitions))
    throw new Error(
      `The inputs have different numbers of partitions (${topics.map((topic, at) => `${topic} ${counts[at]}`).join(', ')}). Make the topics again with rescore topics create.`,
    );
  const claims = members.map(({ memberId, memberMetadata }) => ({ memberId, held: heldBy(memberMetadata) }));
  const assigned = assignUnits(claims, Math.ceil(partitions / unitSize), unitSize);
  return [...assigned].map(([memberId, units]) => {
    const mine = units.flatMap(unit => partitionsOf(unit, unitSize, partitions));
    const assignment = mine.length === 0 ? {} : Object.fromEntries(topics.map(topic => [topic, mine]));
    return {
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: VERSION,
        assignment,
        userData: Buffer.alloc(0),
      }),
    };
  });
}

/** A member of another version is one that holds nothing, also where its words look like ours. */
function heldBy(metadata: Buffer): Ownership[] {
  try {
    const said = AssignerProtocol.MemberMetadata.decode(metadata);
    if (said?.version !== VERSION) return [];
    return UserData.parse(JSON.parse(said.userData.toString())).held.map(([partition, epoch, since]) => ({
      partition,
      epoch,
      since,
    }));
  } catch {
    return [];
  }
}

const partitionsOf = (unit: number, unitSize: number, partitions: number): number[] =>
  Array.from({ length: unitSize }, (_, index) => unit * unitSize + index).filter(at => at < partitions);

export interface MemberClaims {
  memberId: string;
  held: readonly Ownership[];
}

/**
 * Which units each member gets. Every member is in the answer, also with nothing; sizes differ by one at most; a member
 * keeps what it holds as far as that allows. The order of the members does not matter.
 */
export function assignUnits(
  members: readonly MemberClaims[],
  units: number,
  unitSize: number,
): Map<string, number[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assigned = new Map<string, number[]>(sorted.map(({ memberId }) => [memberId, []]));
  const least = Math.floor(units / sorted.length);
  // So many members may have one more than the others.
  let extra = units % sorted.length;
  const homeless: number[] = [];
  const holders = Array.from({ length: units }, (_, unit) => ({
    unit,
    ...claimantOf(sorted, unit, unitSize),
  }));
  for (const { unit, memberId } of holders.sort((a, b) => a.since - b.since || a.unit - b.unit)) {
    const mine = memberId === null ? undefined : assigned.get(memberId)!;
    if (mine !== undefined && mine.length < least) mine.push(unit);
    else if (mine !== undefined && mine.length === least && extra > 0) {
      mine.push(unit);
      extra--;
    } else homeless.push(unit);
  }
  for (const unit of homeless.sort((a, b) => a - b)) {
    const [roomiest] = [...assigned.values()].sort((a, b) => a.length - b.length);
    roomiest!.push(unit);
  }
  for (const mine of assigned.values()) mine.sort((a, b) => a - b);
  return assigned;
}

interface Claimant {
  memberId: string | null;
  epoch: number;
  since: number;
}

/** The member that held most recently any partition of the unit. */
function claimantOf(members: readonly MemberClaims[], unit: number, unitSize: number): Claimant {
  let best: Claimant = { memberId: null, epoch: -1, since: 0 };
  for (const { memberId, held } of members)
    for (const { partition, epoch, since } of held) {
      if (Math.floor(partition / unitSize) !== unit || epoch < best.epoch) continue;
      // Of one member that claimed its lanes one after the other, the first counts, in whatever order they are named.
      if (epoch > best.epoch || (memberId === best.memberId && since < best.since))
        best = { memberId, epoch, since };
    }
  return best;
}
