import pg from "pg";
import type { Logger } from "../core/log.ts";
import type { ReplyFeed } from "../core/reply-feed.ts";
import { CombinedReplyFeed } from "./combined-reply-feed.ts";
import type { FeedChannel, FeedMessage, FeedWire } from "./feed-wire.ts";
import { QuietWarning } from "./quiet-warning.ts";
import { endsWithin } from "./time-limit.ts";

/** "In the default configuration it must be shorter than 8000 bytes": postgresql.org/docs/18/sql-notify.html */
const PAYLOAD_BYTES_MAX = 7_999;
const START_LIMIT_MS = 3_000;
const CONNECT_LIMIT_MS = 2_000;
const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 2_000;
const CHANNELS: ReadonlyMap<string, FeedChannel> = new Map([
  ["dianka_progress", "progress"],
  ["dianka_stop", "stop"],
]);

export interface PgReplyFeedOptions {
  /** Sends notifications, one short statement at a time. */
  readonly pool: Pick<pg.Pool, "query">;
  /** For the one connection of its own, which listens. */
  readonly databaseUrl: string;
  readonly log: Logger;
}

/** The feed over Postgres' LISTEN and NOTIFY. */
export function createPgReplyFeed(options: PgReplyFeedOptions): ReplyFeed {
  return new CombinedReplyFeed(new PgFeedWire(options), options.log);
}

class PgFeedWire implements FeedWire {
  readonly payloadBytesMax = PAYLOAD_BYTES_MAX;
  readonly #pool: Pick<pg.Pool, "query">;
  readonly #databaseUrl: string;
  readonly #trouble: QuietWarning;
  #onMessage: (message: FeedMessage) => void = () => {};
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #isStopped = false;

  constructor({ pool, databaseUrl, log }: PgReplyFeedOptions) {
    this.#pool = pool;
    this.#databaseUrl = databaseUrl;
    this.#trouble = new QuietWarning(log, "the feed on Postgres has trouble");
  }

  async start(onMessage: (message: FeedMessage) => void): Promise<void> {
    this.#onMessage = onMessage;
    await endsWithin(this.#listen(), START_LIMIT_MS);
  }

  async send(messages: readonly FeedMessage[]): Promise<void> {
    // One statement for all: Postgres commits what notifies one after the other.
    await this.#pool.query(
      "select pg_notify('dianka_' || channel, payload) from unnest($1::text[], $2::text[]) as m (channel, payload)",
      [messages.map(({ channel }) => channel), messages.map(({ payload }) => payload)],
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#client?.end().catch(() => {});
  }

  async #listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#databaseUrl,
      application_name: "dianka feed",
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      keepAlive: true,
    });
    this.#client = client;
    client.on("error", (error) => this.#trouble.warn(error));
    client.on("notification", ({ channel: name, payload }) => {
      const channel = CHANNELS.get(name);
      if (channel !== undefined && payload !== undefined) this.#onMessage({ channel, payload });
    });
    // Comes after every error of the connection, and when the server closes it.
    client.once("end", () => this.#listenLater());
    try {
      await client.connect();
      for (const name of CHANNELS.keys()) await client.query(`listen ${name}`);
      this.#failures = 0;
    } catch (error) {
      this.#trouble.warn(error);
      await client.end().catch(() => {});
    }
  }

  #listenLater(): void {
    if (this.#isStopped) return;
    const waitMs = Math.min(RECONNECT_MS_MIN * 2 ** this.#failures, RECONNECT_MS_MAX);
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.#listen(), waitMs);
  }
}
