/** Which group member an instance was, kept beside the state: a restarted instance leaves for its dead predecessor. */
import type { RedisConnection } from './scripts';

export class RedisMemberMemory {
  private readonly key: string;

  constructor(
    private readonly connection: RedisConnection,
    prefix: string,
  ) {
    this.key = `{${prefix}}:members`;
  }

  recall(instance: string): Promise<string | null> {
    return this.connection.hget(this.key, instance);
  }

  async remember(instance: string, memberId: string): Promise<void> {
    await this.connection.hset(this.key, instance, memberId);
  }
}
