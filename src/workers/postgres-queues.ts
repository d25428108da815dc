import assert from "node:assert";
import {
  PostgresConnection,
  PostgresQueueBackend,
  Queue,
  type QueueBaseOptions,
  runMigrations,
  Worker,
} from "bullmq";
import type { Logger } from "../core/log.ts";
import { connectWithin } from "./connect-within.ts";
import {
  abortRunsWithoutLock,
  bullMqProcessor,
  type JobQueue,
  type JobWorker,
  type ProcessJob,
  type QueueBackend,
  type WorkerSettings,
  workerOptions,
} from "./job-queue.ts";
import { EVENTS_KEPT_MAX } from "./jobs.ts";
import { QUEUE_SCHEMA, QueuePool } from "./postgres-pool.ts";
import { QuietWarning } from "./quiet-warning.ts";
import { endsWithin } from "./time-limit.ts";

const HEALTH_LIMIT_MS = 1_000;
const CLOSE_LIMIT_MS = 3_000;

/**
 * BullMQ on Postgres, in a schema of its own.
 *
 * BullMQ by itself opens a pool and a listening connection for every queue and every worker. Here
 * they all share one pool and one listener, so a process with twenty bots needs five connections.
 */
export class PostgresQueues implements QueueBackend {
  readonly #databaseUrl: string;
  readonly #log: Logger;
  readonly #trouble: QuietWarning;
  #pool: QueuePool | null = null;
  #connection: QueueConnection | null = null;

  constructor(databaseUrl: string, log: Logger) {
    this.#databaseUrl = databaseUrl;
    this.#log = log;
    this.#trouble = new QuietWarning(log, "the queue on Postgres has trouble");
  }

  async waitForQueue(limitMs: number): Promise<void> {
    const where = `The queue's Postgres at ${hostOf(this.#databaseUrl)}`;
    const pool = new QueuePool(this.#databaseUrl, this.#trouble);
    this.#pool = pool;
    pool.on("error", (error) => this.#trouble.warn(error));
    await connectWithin(() => migrate(pool), {
      limitMs,
      where,
      variable: "DATABASE_URL",
      log: this.#log,
    });
    this.#connection = new QueueConnection(pool);
    this.#connection.setMaxListeners(0);
    await this.#connection.waitUntilReady();
  }

  createQueue(name: string): JobQueue {
    const queue = new Queue(
      name,
      { connection: {}, streams: { events: { maxLen: EVENTS_KEPT_MAX } } },
      this.#createBackend,
    );
    queue.on("error", (error) => this.#trouble.warn(error));
    return queue;
  }

  createWorker(name: string, processJob: ProcessJob, settings: WorkerSettings): JobWorker {
    const worker: JobWorker = new Worker(
      name,
      bullMqProcessor(processJob),
      { connection: {}, ...workerOptions(settings) },
      this.#createBackend,
    );
    worker.on("error", (error) => this.#trouble.warn(error));
    abortRunsWithoutLock(worker);
    return worker;
  }

  async isHealthy(): Promise<boolean> {
    if (this.#pool === null) return false;
    return endsWithin(this.#pool.query("select 1"), HEALTH_LIMIT_MS).catch(() => false);
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    await this.#connection?.close();
    // A statement that hangs must not keep the process from ending.
    if (pool !== null) await endsWithin(pool.end(), CLOSE_LIMIT_MS);
  }

  readonly #createBackend = (name: string, options: QueueBaseOptions<object>) => {
    assert(this.#connection !== null, "waitForQueue comes first");
    return new SharingBackend(this.#connection, name, options);
  };
}

type ListenClient = Awaited<ReturnType<PostgresConnection["getListenClient"]>>;

/** Lets all workers listen on one client. */
class QueueConnection extends PostgresConnection {
  readonly #shared = new WeakMap<ListenClient, ListenClient>();

  override async getListenClient(): Promise<ListenClient> {
    const client = await super.getListenClient();
    const shared = this.#shared.get(client) ?? sendingOnce(client);
    this.#shared.set(client, shared);
    return shared;
  }
}

/**
 * The client, except that a statement is sent once however many ask for it. Each worker tells it to
 * listen, and pg 9 will take no statement while another one runs.
 */
function sendingOnce(client: ListenClient): ListenClient {
  const sent = new Map<string, Promise<unknown>>();
  const query = (text: string, params?: readonly unknown[]): Promise<unknown> => {
    const known = sent.get(text);
    if (known !== undefined) return known;
    const result = client.query(text, params);
    sent.set(text, result);
    result.catch(() => sent.delete(text));
    return result;
  };
  return new Proxy(client, {
    get(target, name) {
      if (name === "query") return query;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** One queue's or worker's view of the shared connection: closing it leaves the connection open. */
class SharingBackend extends PostgresQueueBackend {
  constructor(connection: PostgresConnection, name: string, options: QueueBaseOptions<object>) {
    super(connection, name, { ...options, connection: {} }, false);
    connection.on("listenerinvalidated", this.#listenAgain);
  }

  override async close(): Promise<void> {
    this.connection.off("listenerinvalidated", this.#listenAgain);
    await this.disconnectBlocking();
    this.closing ??= Promise.resolve();
  }

  /** The connection that listened broke: wakes the waiting worker, which then listens on the next. */
  readonly #listenAgain = (): void => {
    void this.disconnectBlocking();
    void this.reconnectBlocking();
  };
}

async function migrate(pool: QueuePool): Promise<void> {
  const client = await pool.connect();
  try {
    await runMigrations(client, QUEUE_SCHEMA);
  } finally {
    client.release();
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an address that is no URL";
}
