/** A rescore command for every customer of a cluster, at a rate. */
import { decodeCustomer, isHeld } from '../../processors/core';
import { InputSender, TopicReader, topicName, type Compression } from '../../streams/kafka';
import type { Context } from '../context';
import { commandBody } from '../lanes';
import { Pace } from '../produce/pace';
import { withKafka } from './admin';
import { openCodec } from './codec';
import { openClusterState } from './state';

/** Returns how many were asked for, fewer than there are when it is stopped. @throws CliError as its servers do */
export async function askForEverybody(
  context: Context,
  perSecond: number,
  onAsked: (soFar: number) => void,
): Promise<number> {
  const { io, settings } = context;
  const { values } = settings;
  const codec = await openCodec(values, io.clock);
  const state = await openClusterState(values);
  try {
    return await withKafka(context, async kafka => {
      const topicPrefix = values['kafka.topicPrefix'];
      const commands = topicName(topicPrefix, 'customer-commands');
      const reader = await TopicReader.open(kafka, [commands]);
      const partitions = reader.partitions(commands);
      await reader.close();
      const compression = values['kafka.compression'] as Compression;
      const sender = await InputSender.open(kafka, { topicPrefix, partitions, compression });
      const pace = new Pace(io.clock, perSecond, io.signal);
      let asked = 0;
      try {
        for await (const { customerId, value: stored } of state.storedValues()) {
          if (io.signal.aborted) break;
          if (!isHeld(decodeCustomer(customerId, stored))) continue;
          await pace.turn();
          const value = commandBody(codec, 'rescore', customerId);
          await sender.add({ topic: 'customer-commands', key: customerId, value, recordAt: null });
          onAsked(++asked);
        }
      } finally {
        await sender.close();
      }
      return asked;
    });
  } finally {
    state.close();
  }
}
