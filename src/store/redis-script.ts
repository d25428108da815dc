import { createHash } from "node:crypto";
import { type Cluster, type Redis, ReplyError } from "ioredis";

/** A Lua script that is sent once and then only named. */
export class RedisScript {
  readonly #source: string;
  readonly #sha: string;

  constructor(source: string) {
    this.#source = source;
    this.#sha = createHash("sha1").update(source).digest("hex");
  }

  async run(
    redis: Redis | Cluster,
    keys: readonly string[],
    parameters: readonly (string | number)[],
  ): Promise<unknown> {
    const values = [...keys, ...parameters.map(String)];
    try {
      return await redis.evalsha(this.#sha, keys.length, ...values);
    } catch (error) {
      // A Redis that restarted, or another node of a cluster, has not seen the script yet.
      const isUnknown = error instanceof ReplyError && String(error).includes("NOSCRIPT");
      if (!isUnknown) throw error;
      return redis.eval(this.#source, keys.length, ...values);
    }
  }
}
