export { Bucket, isBucketAddress, parseBucketAddress, reasonOf } from './bucket';
export type { S3Access, S3Place } from './bucket';
