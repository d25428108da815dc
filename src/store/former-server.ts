import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseStartError } from "./database-start-error.ts";
import {
  databaseUrl,
  errorCode,
  MAINTENANCE_DATABASE,
  type PostgresLayout,
} from "./postgres-layout.ts";
import { PostgresOwnerLock } from "./postgres-owner-lock.ts";
import { readState } from "./postgres-state.ts";
import { disownPostmasterFile, isPostmasterOf, readPostmasterFile } from "./postmaster-file.ts";

const FORMER_SERVER_POLL_MS = 50;
/** Longer than a server takes to stop or to replay its log. */
const FORMER_SERVER_TIMEOUT_MS = 180_000;
/** PostgreSQL's code for a wrong password: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const INVALID_PASSWORD = "28P01";

/** Stops the server of a Dianka that was killed. Throws when the Dianka that owns it still runs. */
export async function stopFormerServer(layout: PostgresLayout, password: string): Promise<void> {
  const deadline = Date.now() + FORMER_SERVER_TIMEOUT_MS;
  let lock: PostgresOwnerLock | null = null;
  try {
    for (;;) {
      const file = await readPostmasterFile(layout.cluster);
      if (file === null) return;
      if (!(await isPostmasterOf(layout.cluster, file.pid))) {
        return await disownPostmasterFile(layout.cluster);
      }
      // While it starts or stops it takes no connections; it will do neither for long.
      if (file.isReady && file.port !== null && lock === null) {
        lock = await takeLock(layout, databaseUrl(file.port, password, MAINTENANCE_DATABASE));
        // SIGINT: PostgreSQL ends its connections, saves everything and goes.
        if (lock !== null) process.kill(file.pid, "SIGINT");
      }
      if (Date.now() > deadline) {
        throw new DatabaseStartError(
          `The PostgreSQL of an earlier start (process ${file.pid}) does not stop: end it, then start Dianka again.`,
        );
      }
      await sleep(FORMER_SERVER_POLL_MS);
    }
  } finally {
    // Held until the server is gone, so that nobody takes it for usable meanwhile.
    await lock?.release();
  }
}

/** `null` when the server does not take connections just now. */
async function takeLock(layout: PostgresLayout, url: string): Promise<PostgresOwnerLock | null> {
  try {
    const lock = await PostgresOwnerLock.acquire(url);
    if (lock !== null) return lock;
  } catch (error) {
    if (errorCode(error) !== INVALID_PASSWORD) return null;
    throw new DatabaseStartError(
      `The password in ${layout.password} does not fit the database beside it: restore both from the same backup.`,
      { cause: error },
    );
  }
  throw await dataDirInUse(layout);
}

/** The sentence for a second start on the same folder. */
export async function dataDirInUse(layout: PostgresLayout): Promise<DatabaseStartError> {
  const state = await readState(layout);
  const owner = state === null ? "" : ` (process ${state.ownerPid})`;
  return new DatabaseStartError(
    `${layout.dataDir} is in use by another Dianka${owner}: stop that one, or give this one a DATA_DIR of its own.`,
  );
}
