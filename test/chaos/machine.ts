import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { EmbeddedPostgres } from "../../src/store/embedded-postgres.ts";
import { migrate } from "../../src/store/migrate.ts";
import { postgresLayout } from "../../src/store/postgres-layout.ts";
import { readPostmasterFile } from "../../src/store/postmaster-file.ts";
import { BreakableProxy } from "../fakes/breakable-proxy.ts";
import { RedisServer } from "../fakes/redis-server.ts";
import { waitFor } from "./wait-for.ts";

const MIGRATIONS = resolve(import.meta.dirname, "../../prisma/migrations");

/** Which of the two the queue runs on. */
export type Backend = "postgres" | "redis";

/** The servers that a run breaks: a PostgreSQL and a Redis of its own, both as careful as in production. */
export class Machine implements AsyncDisposable {
  readonly redis: RedisServer | null;
  readonly folder: string;
  readonly #dataDir: string;
  /** Where PostgreSQL is now: with each start it takes another port. */
  readonly #target = { host: "127.0.0.1", port: 0 };
  readonly #proxy: BreakableProxy;
  #proxyPort = 0;
  #postgres: EmbeddedPostgres;
  #databases = 0;

  private constructor(
    folder: string,
    dataDir: string,
    postgres: EmbeddedPostgres,
    redis: RedisServer | null,
  ) {
    this.folder = folder;
    this.#dataDir = dataDir;
    this.#postgres = postgres;
    this.redis = redis;
    this.#proxy = new BreakableProxy(this.#target);
    this.#target.port = Number(new URL(postgres.url).port);
  }

  /** `dataDir`: where PostgreSQL keeps its files, when not in a folder of the run. */
  static async start(options: { redis: boolean; dataDir?: string }): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), "dianka-chaos-"));
    const dataDir = options.dataDir ?? join(folder, "data");
    const postgres = await EmbeddedPostgres.start({ dataDir });
    const redis = options.redis ? await RedisServer.start() : null;
    const machine = new Machine(folder, dataDir, postgres, redis);
    machine.#proxyPort = await machine.#proxy.open();
    return machine;
  }

  /** A new database with all tables; its address stays the same when the server is started again. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `chaos_${this.#databases}`;
    const client = new pg.Client({ connectionString: this.#postgres.url });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    const address = new URL(this.#postgres.url);
    address.pathname = name;
    await migrate(address.href, MIGRATIONS);
    address.port = String(this.#proxyPort);
    return address.href;
  }

  /** The same database without the proxy in between; good until the server is started again. */
  directly(url: string): string {
    const address = new URL(url);
    address.port = String(this.#target.port);
    return address.href;
  }

  /** Asks PostgreSQL to end, which it does at once and in order. */
  async stopPostgres(): Promise<void> {
    await this.#postgres.stop();
    this.#proxy.drop();
  }

  /** kill -9 of its first process; the others notice and end. */
  async killPostgres(): Promise<void> {
    const { cluster } = postgresLayout(this.#dataDir);
    const file = await readPostmasterFile(cluster);
    if (file === null) throw new Error("PostgreSQL does not run");
    process.kill(file.pid, "SIGKILL");
    await this.#postgres.ended;
    await this.#postgres.stop();
    this.#proxy.drop();
  }

  async startPostgres(): Promise<void> {
    this.#postgres = await EmbeddedPostgres.start({ dataDir: this.#dataDir });
    this.#target.port = Number(new URL(this.#postgres.url).port);
    await waitFor("PostgreSQL answers", () => this.#answers(), 30_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
    await this.#postgres.stop();
    await this.redis?.[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.#postgres.url });
    client.on("error", () => {});
    try {
      await client.connect();
      return (await client.query("SELECT 1")).rowCount === 1;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }
}
