import { fileURLToPath } from "node:url";
import { banner } from "./app/banner.ts";
import { Signals } from "./app/signals.ts";
import { App } from "./app.ts";
import { type Config, readConfig } from "./config.ts";
import type { Logger } from "./core/log.ts";
import { createLogger } from "./logger.ts";
import { DatabaseStartError } from "./store/database-start-error.ts";
import { EmbeddedPostgres } from "./store/embedded-postgres.ts";
import { migrate } from "./store/migrate.ts";
import { readSecretKey } from "./store/secret-key.ts";
import { waitForDatabase } from "./store/wait-for-database.ts";
import { systemClock } from "./system-clock.ts";

const MIGRATIONS = fileURLToPath(new URL("../prisma/migrations", import.meta.url));

const startedAtMs = performance.now();
await main();

async function main(): Promise<void> {
  const signals = new Signals();
  let config: Config;
  try {
    loadEnvFile();
    config = readConfig(process.env, process.cwd());
  } catch (error) {
    return fail(error);
  }
  const log = createLogger(config.log.level, process.stderr);
  // A listener that rejects must not end a program that others talk to.
  process.on("unhandledRejection", (error) => log.error({ err: error }, "unhandled rejection"));
  await using stack = new AsyncDisposableStack();
  try {
    await run(config, log, signals, stack);
  } catch (error) {
    fail(error);
  } finally {
    signals.stop();
  }
}

async function run(
  config: Config,
  log: Logger,
  signals: Signals,
  stack: AsyncDisposableStack,
): Promise<void> {
  const secretKey = await readSecretKey(config.secretKey, config.dataDir);
  const databaseUrl = await openDatabase(config, log, signals, stack);
  const applied = await migrate(databaseUrl, MIGRATIONS);
  if (applied.length > 0) log.info({ applied }, "database is up to date");
  if (signals.isStopping) return;
  const app = new App({
    config,
    databaseUrl,
    secretKey,
    clock: systemClock,
    log,
    onFatal: () => {
      process.exitCode = 1;
      signals.request();
    },
  });
  stack.defer(() => app.stop(0, signals.hurried));
  const { port, adminKey, problems } = await app.start();
  const url = `http://${hostInUrl(config.http.host)}:${port}`;
  const facts = {
    url,
    adminUrl: `${config.http.publicUrl ?? url}/admin-chat#${adminKey}`,
    startedInMs: performance.now() - startedAtMs,
    problems,
  };
  process.stdout.write(`${banner(config, facts)}\n`);
  await signals.requested;
  log.info({ timeoutMs: config.drainTimeoutMs }, "draining");
  await app.stop(config.drainTimeoutMs, signals.hurried);
  log.info({}, "drained");
}

async function openDatabase(
  config: Config,
  log: Logger,
  signals: Signals,
  stack: AsyncDisposableStack,
): Promise<string> {
  if (config.databaseUrl !== null) {
    await waitForDatabase(config.databaseUrl, log);
    return config.databaseUrl;
  }
  const postgres = await EmbeddedPostgres.start({ dataDir: config.dataDir });
  stack.use(postgres);
  void postgres.ended.then((error) => {
    fail(error);
    signals.request();
  });
  return postgres.url;
}

/** `.env` in the working directory; what the environment says already stands. */
function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** One clear message for what an operator can mend; the stack only for what is our fault. */
function fail(error: unknown): void {
  process.exitCode = 1;
  const isOurs = !(error instanceof Error) || isProgrammingError(error);
  console.error(isOurs ? error : `Dianka cannot start. ${error.message}`);
}

function isProgrammingError(error: Error): boolean {
  if (error instanceof DatabaseStartError) return false;
  return error.name !== "Error" && error.name !== "OutsideError";
}

function hostInUrl(host: string): string {
  if (host === "0.0.0.0" || host === "::" || host === "127.0.0.1") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
