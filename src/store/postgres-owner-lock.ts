import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** Any number will do, as long as nothing else in the maintenance database locks it. */
const OWNER_LOCK = 20_261_123;
const RELOCK_INTERVAL_MS = 500;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Says who owns a running server: an advisory lock on a connection that is kept open for it. When
 * the owner dies, however that happens, its connection closes and the lock is free again.
 */
export class PostgresOwnerLock {
  readonly #url: string;
  #held: HeldLock;
  #isReleased = false;

  private constructor(url: string, held: HeldLock) {
    this.#url = url;
    this.#held = held;
    this.#watch();
  }

  /** `null` when somebody else owns the server. Throws pg's error when there is no connection. */
  static async acquire(url: string): Promise<PostgresOwnerLock | null> {
    const held = await tryLock(url);
    return held === null ? null : new PostgresOwnerLock(url, held);
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    this.#held.socket.ref();
    await this.#held.client.end().catch(() => {});
  }

  #watch(): void {
    const { client, socket } = this.#held;
    // Keeps no program running that forgot to release the lock.
    socket.unref();
    client.once("end", () => void this.#relock());
  }

  /** After the crash of one of its processes the server starts anew by itself and has forgotten all locks. */
  async #relock(): Promise<void> {
    while (!this.#isReleased) {
      await sleep(RELOCK_INTERVAL_MS, undefined, { ref: false });
      const held = await tryLock(this.#url).catch(() => null);
      if (held === null) continue;
      this.#held = held;
      if (this.#isReleased) return this.release();
      return this.#watch();
    }
  }
}

interface HeldLock {
  readonly client: pg.Client;
  readonly socket: Socket;
}

async function tryLock(connectionString: string): Promise<HeldLock | null> {
  const socket = new Socket();
  const client = new pg.Client({
    connectionString,
    application_name: "dianka owner",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    stream: () => socket,
  });
  // Whatever goes wrong later, "end" follows.
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query<{ locked: boolean }>(
    "SELECT pg_try_advisory_lock($1) AS locked",
    [OWNER_LOCK],
  );
  if (rows[0]?.locked === true) return { client, socket };
  await client.end();
  return null;
}
