/** The five co-partitioned inputs of a lane, in the fixed order that positions are written in. */
export const INPUT_TOPICS = [
  'web-events',
  'orders',
  'customers',
  'customer-commands',
  'customer-mail',
] as const;
export type InputTopic = (typeof INPUT_TOPICS)[number];

export const OUTPUT_TOPICS = [
  'engagement-scores',
  'engagement-alerts',
  'sessions',
  'late-events',
  'dead-letters',
] as const;
export type OutputTopic = (typeof OUTPUT_TOPICS)[number];

/** What the archive keeps: with the inputs a score's vector can be computed again, and compared. */
export const ARCHIVED_TOPICS = [...INPUT_TOPICS, 'engagement-scores'] as const;
export type ArchivedTopic = (typeof ARCHIVED_TOPICS)[number];

/** Offset of the next record to read, per input topic. */
export type Positions = Readonly<Record<InputTopic, number>>;
