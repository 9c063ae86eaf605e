export { Bucket, isBucketAddress, isNoSuchKey, parseBucketAddress, reasonOf, statusOf } from './bucket';
export type { S3Access, S3Place } from './bucket';
