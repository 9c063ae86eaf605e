import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';

/** Waits until the broker that was asked knows it: kafkajs's own wait gives up where it does not yet. */
export async function makeTopic(admin: Admin, config: ITopicConfig): Promise<void> {
  await admin.createTopics({ topics: [config], waitForLeaders: false });
  for (let attempt = 1; ; attempt++)
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [config.topic] });
      if (topics[0]!.partitions.every(({ leader }) => leader >= 0)) return;
      throw new Error(`${config.topic} has no leader.`);
    } catch (error) {
      if (attempt === 200) throw error;
      await delay(100);
    }
}
