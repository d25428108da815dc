import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rename, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseStartError } from "./database-start-error.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import type { PostgresLayout, PostgresUser } from "./postgres-layout.ts";
import { readPostmasterFile } from "./postmaster-file.ts";

const READY_POLL_MS = 15;
/** After a crash the server first replays its log, which may take a while on a slow disk. */
const READY_TIMEOUT_MS = 180_000;
const LAUNCH_TRIES_MAX = 40;
const LAUNCH_RETRY_MS = 250;
/** Somebody took the port after we looked; or sessions of a killed server still finish their last statement. */
const PASSING_FAULTS = /could not create any TCP\/IP sockets|pre-existing shared memory block/;
const FAST_STOP_TIMEOUT_MS = 30_000;
const LOG_BYTES_MAX = 10_000_000;

/** For a small machine; https://www.postgresql.org/docs/18/runtime-config.html says what each means. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: "128MB",
  max_connections: "100",
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] %a ",
  log_checkpoints: "off",
  // Statements and details may hold what a person wrote, so they stay out of the log.
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
};
const DURABLE: Readonly<Record<string, string>> = { fsync: "on", synchronous_commit: "on" };
const UNSAFE: Readonly<Record<string, string>> = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  // Many tests at once, each with connections of its own.
  max_connections: "300",
};

/** What a server is started with. */
export interface PostgresLaunch {
  readonly layout: PostgresLayout;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser | null;
  /** Loses data when the machine fails; for tests. */
  readonly unsafeFast: boolean;
}

/** A PostgreSQL server process that is our child, in a session of its own. */
export class PostgresServer {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the process is gone, whoever ended it. */
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, exited: Promise<void>) {
    this.#child = child;
    // A program that forgets `stop` still ends; see the exit hook of EmbeddedPostgres.
    child.unref();
    this.pid = child.pid ?? 0;
    this.port = port;
    this.exited = exited;
  }

  /** Resolves when the server takes connections. Throws `DatabaseStartError` with the server's own reason. */
  static async launch(launch: PostgresLaunch): Promise<PostgresServer> {
    await rotateLog(launch.layout.log);
    for (let attempt = 1; ; attempt++) {
      const outcome = await launchOnce(launch, await findFreePort());
      if ("child" in outcome)
        return new PostgresServer(outcome.child, outcome.port, outcome.exited);
      if (attempt < LAUNCH_TRIES_MAX && PASSING_FAULTS.test(outcome.reason)) {
        await sleep(LAUNCH_RETRY_MS);
        continue;
      }
      throw new DatabaseStartError(
        `The embedded PostgreSQL did not start: ${outcome.reason} (see ${launch.layout.log}).`,
      );
    }
  }

  /** Asks the server to end, without waiting for it. */
  kill(): void {
    this.#child.kill("SIGINT");
  }

  /** Ends open connections and the server; everything committed is on disk afterwards. */
  async stop(): Promise<void> {
    this.#child.ref();
    this.kill();
    const timeout = new AbortController();
    const isGone = await Promise.race([
      this.exited.then(() => true),
      sleep(FAST_STOP_TIMEOUT_MS, false, { signal: timeout.signal }).catch(() => true),
    ]);
    timeout.abort();
    if (isGone) return;
    // Stops at once; the next start replays the log.
    this.#child.kill("SIGQUIT");
    await this.exited;
  }
}

type LaunchOutcome =
  | { readonly child: ChildProcess; readonly port: number; readonly exited: Promise<void> }
  | { readonly reason: string };

async function launchOnce(launch: PostgresLaunch, port: number): Promise<LaunchOutcome> {
  const { layout } = launch;
  const log = await open(layout.log, "a", 0o600);
  if (launch.user !== null) await log.chown(launch.user.uid, launch.user.gid);
  const logStart = (await log.stat()).size;
  let failure: string | null = null;
  const child = spawn(launch.binaries.postgres, serverArguments(launch, port), {
    ...clusterProcess(layout.cluster, launch.user),
    // In a session of its own Ctrl-C in our terminal does not reach it: we stop it, last of all.
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      failure = error.message;
      resolve();
    });
  });
  let hasExited = false;
  void exited.then(() => {
    hasExited = true;
  });
  try {
    for (let waitedMs = 0; !hasExited && waitedMs < READY_TIMEOUT_MS; waitedMs += READY_POLL_MS) {
      const file = await readPostmasterFile(layout.cluster);
      if (file?.pid === child.pid && file?.isReady) return { child, port, exited };
      await sleep(READY_POLL_MS);
    }
    child.kill("SIGQUIT");
    await exited;
    return { reason: failure ?? (await lastFault(layout.log, logStart)) };
  } finally {
    await log.close();
  }
}

function serverArguments(launch: PostgresLaunch, port: number): string[] {
  const settings = { ...SETTINGS, ...(launch.unsafeFast ? UNSAFE : DURABLE), port: String(port) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return ["-D", clusterArgument(launch.layout.cluster, launch.user), ...flags];
}

/**
 * What `-D` says. For another user it is "where you stand": the folders above the cluster may be
 * closed to that user, /root for example, and a path through them would lead nowhere.
 */
export function clusterArgument(cluster: string, user: PostgresUser | null): string {
  return user === null ? cluster : "/proc/self/cwd";
}

/** How every PostgreSQL program is run: in the cluster's folder, with none of our secrets in its environment. */
export function clusterProcess(cluster: string, user: PostgresUser | null) {
  return {
    cwd: cluster,
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
    ...(user ?? {}),
  };
}

async function findFreePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}

/** The last complaint that the server wrote since `start`, without time and process number. */
async function lastFault(logFile: string, start: number): Promise<string> {
  const text = (await readFile(logFile)).subarray(start).toString("utf8");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const faults = lines.filter((line) => /\b(FATAL|PANIC|ERROR):/.test(line));
  const line = faults.at(-1) ?? lines.at(-1) ?? "it wrote no reason";
  return line.replace(/^.*?\b(FATAL|PANIC|ERROR|LOG|HINT):\s*/, "").replace(/\.$/, "");
}

async function rotateLog(file: string): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_BYTES_MAX) await rename(file, `${file}.old`);
}
