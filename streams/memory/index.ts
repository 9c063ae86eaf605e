export { MemoryBroker, ProducerFencedError } from './broker';
export type { PublishedMessage } from './broker';
export { MemoryEventLog } from './event-log';
export { MemoryPublisher } from './publisher';
