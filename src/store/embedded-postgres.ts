import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { DatabaseStartError } from "./database-start-error.ts";
import { dataDirInUse, stopFormerServer } from "./former-server.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import {
  createDataDir,
  createHome,
  DATABASE,
  databaseUrl,
  MAINTENANCE_DATABASE,
  type PostgresLayout,
  postgresLayout,
  readPassword,
  SUPERUSER,
} from "./postgres-layout.ts";
import { PostgresOwnerLock } from "./postgres-owner-lock.ts";
import {
  clusterArgument,
  clusterProcess,
  type PostgresLaunch,
  PostgresServer,
} from "./postgres-server.ts";
import { isFreeElsewhere, publishState } from "./postgres-state.ts";
import { postgresUser } from "./postgres-user.ts";
import { isPostmasterOf, readPostmasterFile } from "./postmaster-file.ts";
import { runFile } from "./run-file.ts";

/** A server without connections stops much faster. */
const STOPPED_BY_ANOTHER_MS = 5_000;

/** Where the server keeps its files, and how careful it is with them. */
export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** Loses data when the machine fails; for tests. */
  readonly unsafeFast?: boolean;
}

/**
 * A PostgreSQL server of our own under `DATA_DIR`, reachable from this machine only. One program at a
 * time owns it; what an owner leaves behind that was killed is cleared away by the next start. It runs
 * in a session of its own, so that a signal to our terminal or process group ends only us.
 */
export class EmbeddedPostgres implements AsyncDisposable {
  /** The program's database, with its password: not for logs. */
  readonly url: string;
  /** Resolves, with a sentence for the operator, when the server ends although nobody called `stop`. */
  readonly ended: Promise<DatabaseStartError>;
  readonly #server: PostgresServer;
  readonly #lock: PostgresOwnerLock;
  readonly #unpublish: () => Promise<void>;
  readonly #onExit: () => void;
  #stopped: Promise<void> | null = null;

  private constructor(
    url: string,
    layout: PostgresLayout,
    server: PostgresServer,
    lock: PostgresOwnerLock,
    unpublish: () => Promise<void>,
  ) {
    this.url = url;
    this.#server = server;
    this.#lock = lock;
    this.#unpublish = unpublish;
    // A program that ends without `stop` cannot wait, but it can still ask the server to end.
    this.#onExit = () => server.kill();
    process.once("exit", this.#onExit);
    const { promise, resolve } = Promise.withResolvers<DatabaseStartError>();
    this.ended = promise;
    void server.exited.then(() => {
      if (this.#stopped !== null) return;
      resolve(new DatabaseStartError(`The embedded PostgreSQL ended (see ${layout.log}).`));
    });
  }

  /**
   * Starts the server, the very first time after making it; about a second. Throws
   * `DatabaseStartError` when `dataDir` is in use by another Dianka or the server cannot run.
   */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const layout = postgresLayout(options.dataDir);
    await createDataDir(layout);
    if (!(await isFreeElsewhere(layout))) throw await dataDirInUse(layout);
    const user = await postgresUser(layout);
    const binaries = await findPostgresBinaries(user);
    const launch = { layout, binaries, user, unsafeFast: options.unsafeFast ?? false };
    if ((await readPassword(layout)) === null) await createCluster(launch);
    const password = (await readPassword(layout)) ?? "";
    const server = await launchAlone(launch, password);
    let lock: PostgresOwnerLock | null = null;
    try {
      const maintenanceUrl = databaseUrl(server.port, password, MAINTENANCE_DATABASE);
      lock = await becomeOwner(layout, server, maintenanceUrl);
      await createDatabase(maintenanceUrl);
      const unpublish = await publishState(layout, server);
      const url = databaseUrl(server.port, password, DATABASE);
      return new EmbeddedPostgres(url, layout, server, lock, unpublish);
    } catch (error) {
      await lock?.release();
      await server.stop();
      throw error;
    }
  }

  /** Ends what is still connected, then the server. The same call twice stops once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    await this.#lock.release();
    await this.#server.stop();
    await this.#unpublish();
    process.removeListener("exit", this.#onExit);
  }
}

async function createCluster({ layout, binaries, user }: PostgresLaunch): Promise<void> {
  await createHome(layout, user, async (cluster) => {
    const options = [
      ["-D", clusterArgument(cluster, user)],
      [`--username=${SUPERUSER}`, "--pwfile=../password", "--auth=scram-sha-256"],
      // PostgreSQL's own collation: it does not change with the system's C library.
      ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
    ].flat();
    try {
      await runFile(binaries.initdb, options, clusterProcess(cluster, user));
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim().split("\n").at(-1) : "";
      throw new DatabaseStartError(
        `The embedded PostgreSQL could not be set up in ${layout.dataDir}: ${reason}`,
        { cause: error },
      );
    }
  });
}

async function launchAlone(launch: PostgresLaunch, password: string): Promise<PostgresServer> {
  await stopFormerServer(launch.layout, password);
  try {
    return await PostgresServer.launch(launch);
  } catch (error) {
    // Two starts at the same moment: PostgreSQL let only one through, and it was the other one.
    const file = await readPostmasterFile(launch.layout.cluster);
    if (file === null || !(await isPostmasterOf(launch.layout.cluster, file.pid))) throw error;
    throw await dataDirInUse(launch.layout);
  }
}

/** In the instant before we own our server, another start may take it for one left behind and stop it. */
async function becomeOwner(
  layout: PostgresLayout,
  server: PostgresServer,
  url: string,
): Promise<PostgresOwnerLock> {
  try {
    const lock = await PostgresOwnerLock.acquire(url);
    if (lock !== null) return lock;
  } catch (error) {
    const wasStopped = await Promise.race([
      server.exited.then(() => true),
      sleep(STOPPED_BY_ANOTHER_MS, false),
    ]);
    if (!wasStopped) throw error;
  }
  throw await dataDirInUse(layout);
}

async function createDatabase(maintenanceUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [
      DATABASE,
    ]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}
