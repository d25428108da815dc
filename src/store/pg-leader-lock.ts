import { createHash } from "node:crypto";
import pg from "pg";
import type { Clock } from "../core/clock.ts";
import type { LeaderLock } from "../core/leader-lock.ts";
import type { Logger } from "../core/log.ts";

const TRY_AGAIN_MS = 2_000;

/**
 * One process at a time owns a name, by a lock that lives as long as a connection of its own: when
 * the process dies, Postgres frees it.
 */
export class PgLeaderLock implements LeaderLock {
  readonly #databaseUrl: string;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(databaseUrl: string, clock: Clock, log: Logger) {
    this.#databaseUrl = databaseUrl;
    this.#clock = clock;
    this.#log = log;
  }

  async acquire(
    name: string,
    signal: AbortSignal,
    onLost: () => void,
    onTaken: () => void = () => {},
  ): Promise<{ release(): Promise<void> } | null> {
    const key = createHash("sha256").update(name).digest().readBigInt64BE(0);
    let isWaiting = false;
    while (!signal.aborted) {
      const client = new pg.Client({
        connectionString: this.#databaseUrl,
        application_name: "dianka-leader",
        keepAlive: true,
      });
      let isHeld = false;
      client.on("error", (error) => {
        this.#log.warn({ err: error, name }, "connection of a leader lock was lost");
        if (isHeld) onLost();
        isHeld = false;
      });
      try {
        await client.connect();
        const { rows } = await client.query("SELECT pg_try_advisory_lock($1) AS held", [
          String(key),
        ]);
        if (rows[0]?.held === true) {
          isHeld = true;
          return {
            release: async () => {
              isHeld = false;
              await client.end();
            },
          };
        }
        if (!isWaiting) {
          this.#log.info({ name }, "another process owns this bot, waiting as standby");
          onTaken();
        }
        isWaiting = true;
      } catch (error) {
        this.#log.warn({ err: error, name }, "leader lock could not be asked for");
      }
      await client.end().catch(() => {});
      await this.#clock.sleep(TRY_AGAIN_MS, signal);
    }
    return null;
  }
}
