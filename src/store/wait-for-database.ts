import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "../core/log.ts";
import { DatabaseStartError } from "./database-start-error.ts";
import { errorCode } from "./postgres-layout.ts";

const WAIT_LIMIT_MS = 60_000;
const RETRY_INTERVAL_MS = 500;
const NOTICE_INTERVAL_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Codes that no amount of waiting changes: a wrong name, password, database or right. */
const FINAL_CODES = new Set(["28P01", "28000", "3D000", "42501"]);

/**
 * Waits until the database that the operator named takes connections: it may start at the same
 * moment as we do. Says every few seconds that it waits. Throws `DatabaseStartError` after `limitMs`,
 * and at once when the database refuses us for good.
 */
export async function waitForDatabase(
  url: string,
  log: Logger,
  limitMs = WAIT_LIMIT_MS,
): Promise<void> {
  const startedAt = performance.now();
  let noticedAt = startedAt;
  for (;;) {
    const error = await tryConnect(url);
    if (error === null) return;
    const waitedMs = Math.round(performance.now() - startedAt);
    if (FINAL_CODES.has(errorCode(error)) || waitedMs + RETRY_INTERVAL_MS > limitMs) {
      throw new DatabaseStartError(
        `The database at ${placeOf(url)} cannot be used (${reasonOf(error)}): start it or correct DATABASE_URL.`,
        { cause: error },
      );
    }
    if (performance.now() - noticedAt >= NOTICE_INTERVAL_MS) {
      noticedAt = performance.now();
      log.warn(
        { database: placeOf(url), waitedMs, reason: reasonOf(error) },
        "waiting for the database",
      );
    }
    await sleep(RETRY_INTERVAL_MS);
  }
}

async function tryConnect(connectionString: string): Promise<Error | null> {
  const client = new pg.Client({
    connectionString,
    application_name: "dianka start",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await client.end().catch(() => {});
  }
}

/** Host, port and name; never the user or the password. */
function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port === "" ? "5432" : port}${pathname}`;
}

/** An `AggregateError`, one failure an address of the host, has no message of its own. */
function reasonOf(error: Error): string {
  return error.message === "" ? errorCode(error) || error.name : error.message;
}
