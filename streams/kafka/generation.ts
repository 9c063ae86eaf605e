/**
 * Positions committed as a member of the group, for publishers without transactions. The broker fences by the group's
 * generation and by nothing else: a member of the present one may commit any partition. Hence two rules.
 *
 * Who publishes has taken part in one generation, and commits in no other: after a new join a partition may be somebody
 * else's. And of the partitions a member commits those that this generation has assigned to it.
 *
 * kafkajs would commit, too, but its runner says nothing when it stands still, and asks again in whatever generation
 * comes next. So the request is made here, and resolves with the broker's answer only.
 */
import type { Cluster, TopicOffsets } from 'kafkajs';
import { ProducerLostError } from './group-channel';
import { byTopic, typeOf } from './transaction';
import type { CommittedOffset } from './transaction';
import { groupCoordinator } from './wire/kafkajs-internals';
import type { Coordinator } from './wire/kafkajs-internals';

interface Assignment {
  memberId: string;
  partitions: ReadonlySet<number>;
}

interface GenerationOptions extends Assignment {
  cluster: Cluster;
  groupId: string;
  id: number;
}

/** The broker's words for: the group has gone on without this member. */
const OVER = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

export class Generation {
  private coordinator: Promise<Coordinator> | null = null;
  private isOver = false;

  constructor(private readonly options: GenerationOptions) {}

  /** Of the same member, this one or one before it. */
  isAtLeast(memberId: string, id: number): boolean {
    return memberId === this.options.memberId && id <= this.options.id;
  }

  /** Nothing is committed any more. */
  end(): void {
    this.isOver = true;
  }

  /** @throws ProducerLostError when it is over, as far as is known here, or a position is another member's */
  check(offsets: readonly CommittedOffset[]): void {
    const { id, partitions } = this.options;
    if (this.isOver) throw new ProducerLostError(`Generation ${id} of the group is over.`);
    const foreign = offsets.find(({ partition }) => !partitions.has(partition));
    if (foreign !== undefined)
      throw new ProducerLostError(
        `Partition ${foreign.partition} is another member's in generation ${id} of the group.`,
      );
  }

  /** Resolves when the broker has written them down. @throws as `check`, and what the broker answers */
  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    this.check(offsets);
    const { cluster, groupId, memberId, id: groupGenerationId } = this.options;
    try {
      this.coordinator ??= groupCoordinator(cluster, groupId);
      const topics = byTopic(offsets) as TopicOffsets[];
      await (await this.coordinator).offsetCommit({ groupId, memberId, groupGenerationId, topics });
    } catch (error) {
      this.coordinator = null;
      if (OVER.has(typeOf(error))) this.end();
      throw error;
    }
  }
}

/** Keeps the present generation. A join tells the partitions, the first heartbeat behind it the number. */
export class Generations {
  private assignment: Assignment | null = null;
  private latest: Generation | null = null;

  constructor(
    private readonly groupId: string,
    private readonly cluster: () => Cluster,
  ) {}

  joined(assignment: Assignment): void {
    this.latest?.end();
    this.assignment = assignment;
  }

  /** A heartbeat was answered. One of the generation before may come behind the join. */
  heard(memberId: string, id: number): void {
    const { assignment, latest, groupId } = this;
    if (assignment === null || assignment.memberId !== memberId || latest?.isAtLeast(memberId, id) === true)
      return;
    this.latest = new Generation({ ...assignment, groupId, id, cluster: this.cluster() });
    this.assignment = null;
  }

  /** The member has left. */
  end(): void {
    this.latest?.end();
    this.latest = null;
    this.assignment = null;
  }

  /** @throws ProducerLostError while none is known */
  present(): Generation {
    const { latest } = this;
    if (latest === null)
      throw new ProducerLostError('This process is not known to be a member of its group.');
    latest.check([]);
    return latest;
  }
}
