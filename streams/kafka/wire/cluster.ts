/** A connection to a cluster without a consumer or a producer around it. */
import type { Cluster, Kafka } from 'kafkajs';

export interface ConnectedCluster {
  cluster: Cluster;
  disconnect: () => Promise<void>;
}

const NO_ASSIGNER = {
  name: 'none',
  version: 0,
  assign: () => Promise.resolve([]),
  protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
};

/**
 * A consumer that never runs is a connection to the cluster; its assigners are given that connection.
 * @throws what kafkajs throws: UNKNOWN_TOPIC_OR_PARTITION when one of the topics is missing
 */
export async function connectCluster(kafka: Kafka, topics: readonly string[]): Promise<ConnectedCluster> {
  let cluster: Cluster | null = null;
  const consumer = kafka.consumer({
    groupId: 'never-joined',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      config => {
        cluster = config.cluster;
        return NO_ASSIGNER;
      },
    ],
  });
  await consumer.connect();
  try {
    await cluster!.addMultipleTargetTopics([...topics]);
    return { cluster: cluster!, disconnect: () => consumer.disconnect() };
  } catch (error) {
    await consumer.disconnect();
    throw error;
  }
}
