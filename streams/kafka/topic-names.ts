/** Names of topics in the cluster: a deployment's prefix before ours. */
import type { InputTopic, OutputTopic } from '../../schemas';

export const topicName = (prefix: string, topic: InputTopic | OutputTopic): string => `${prefix}${topic}`;
