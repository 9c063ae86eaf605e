/** Keys of a partition: all carry its hash tag, so a Redis Cluster keeps them on one node and a script sees one slot. */
export interface PartitionKeys {
  /** Hash: token, epoch, batch number, positions, mail positions, clocks. */
  meta: string;
  /** Hash: customer id to stored value. */
  facts: string;
  /** Sorted set: customer id by next wake, ms. */
  due: string;
  /** String: the last batch's outgoing messages. */
  outbox: string;
}

export const keysOf = (prefix: string, partition: number): PartitionKeys => {
  const tag = `{${prefix}:${partition}}`;
  return { meta: `${tag}:meta`, facts: `${tag}:facts`, due: `${tag}:due`, outbox: `${tag}:outbox` };
};
