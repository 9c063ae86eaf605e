/** Each server of the integration tests, started and spoken to once: what fails here is the workshop, not the product. */
import { Kafka, logLevel } from 'kafkajs';
import { Redis } from 'ioredis';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describeWithServers } from './describe';
import { makeTopic } from '../kafka/testing/make-topic';
import { startKafka, startRedis, startRegistry, startS3 } from './servers';

describeWithServers('the servers of the tests', () => {
  test('Kafka takes a transaction and keeps it over a restart', async () => {
    const server = await startKafka();
    const kafka = new Kafka({ brokers: server.brokers, logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    const producer = kafka.producer({ transactionalId: 'one', idempotent: true, maxInFlightRequests: 1 });
    try {
      await admin.connect();
      await makeTopic(admin, { topic: 'words', numPartitions: 1 });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({ topic: 'words', messages: [{ value: 'kept' }] });
      await transaction.commit();
      await admin.disconnect();
      await server.restart();
      await admin.connect();
      const [end] = await admin.fetchTopicOffsets('words');
      // The record and the marker of its transaction.
      expect(end).toMatchObject({ partition: 0, high: '2' });
    } finally {
      await producer.disconnect();
      await admin.disconnect();
      await server.stop();
    }
  });

  test('Redis comes back after a kill, with less when its file was cut', async () => {
    const server = await startRedis();
    const [host, port] = server.address.split(':');
    const redis = new Redis({ host: host!, port: Number(port), maxRetriesPerRequest: 100 });
    redis.on('error', () => undefined);
    try {
      await redis.set('a', '1');
      await redis.set('b', '2');
      await server.kill();
      await server.start();
      expect(await redis.mget('a', 'b')).toEqual(['1', '2']);
      await server.kill();
      await server.start(3);
      expect(await redis.mget('a', 'b')).toEqual(['1', null]);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });

  test('the registry gives a schema its id and back again', async () => {
    const server = await startRegistry();
    try {
      const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
      const body = JSON.stringify({ schema: '"string"' });
      const made = await fetch(`${server.url}/subjects/words-value/versions`, {
        method: 'POST',
        headers,
        body,
      });
      const { id } = (await made.json()) as { id: number };
      const found = await fetch(`${server.url}/schemas/ids/${id}`);
      expect(await found.json()).toMatchObject({ schema: '"string"' });
    } finally {
      await server.stop();
    }
  });

  test('S3 keeps an object', async () => {
    const server = await startS3();
    const s3 = new S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    try {
      await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
      await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a/b', Body: 'kept' }));
      const found = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a/b' }));
      expect(await found.Body!.transformToString()).toBe('kept');
    } finally {
      s3.destroy();
      await server.stop();
    }
  });
});
