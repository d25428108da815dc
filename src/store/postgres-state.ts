import { readFile, readlink, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { PostgresLayout } from "./postgres-layout.ts";

const HEARTBEAT_MS = 5_000;
/** Three heartbeats: one may be late on a busy machine. */
const HEARTBEAT_STALE_MS = 15_000;
const HEARTBEAT_POLL_MS = 250;

const PostgresState = z.object({
  port: z.number().int().positive(),
  /** The server process. */
  pid: z.number().int().positive(),
  /** The Dianka that started the server and will stop it. */
  ownerPid: z.number().int().positive(),
  /** Where these process numbers mean something, see `currentPlace`. */
  place: z.string(),
});
/** How to reach the server that runs on a data folder: the content of `DATA_DIR/postgres.json`. */
export type PostgresState = Readonly<z.infer<typeof PostgresState>>;

/** `null` when no server runs, as far as the file tells: after a kill it is out of date. */
export async function readState(layout: PostgresLayout): Promise<PostgresState | null> {
  try {
    return PostgresState.parse(JSON.parse(await readFile(layout.state, "utf8")));
  } catch {
    // Absent, cut off or of another version: in each case the server has to be looked for.
    return null;
  }
}

/** Writes the file for this process and keeps it fresh until the returned function is called, which removes it. */
export async function publishState(
  layout: PostgresLayout,
  server: { readonly pid: number; readonly port: number },
): Promise<() => Promise<void>> {
  const state: PostgresState = {
    port: server.port,
    pid: server.pid,
    ownerPid: process.pid,
    place: await currentPlace(),
  };
  const staged = `${layout.state}.new`;
  await writeFile(staged, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  await rename(staged, layout.state);
  const heartbeat = setInterval(() => {
    const now = new Date();
    // A missed heartbeat is noticed by nobody but a second start in another container.
    utimes(layout.state, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return async () => {
    clearInterval(heartbeat);
    // The next start may have written its own by now.
    if ((await readState(layout))?.pid === state.pid) await rm(layout.state, { force: true });
  };
}

/**
 * Waits until it is certain that no Dianka in another container or on another machine uses this folder,
 * and gives false when one does. Its processes cannot be seen from here, nor can PostgreSQL's own
 * lock, so its heartbeat decides; after a kill that takes up to 15 seconds.
 */
export async function isFreeElsewhere(layout: PostgresLayout): Promise<boolean> {
  const state = await readState(layout);
  if (state === null || state.place === (await currentPlace())) return true;
  const firstSeenAt = await lastHeartbeat(layout);
  while (firstSeenAt !== null && Date.now() - firstSeenAt < HEARTBEAT_STALE_MS) {
    await sleep(HEARTBEAT_POLL_MS);
    const seenAt = await lastHeartbeat(layout);
    if (seenAt === null) return true;
    if (seenAt !== firstSeenAt) return false;
  }
  return true;
}

/** `null` when the file is gone: its owner has ended. */
async function lastHeartbeat(layout: PostgresLayout): Promise<number | null> {
  return stat(layout.state).then(
    (found) => found.mtimeMs,
    () => null,
  );
}

/** The running system and, within it, the container: process numbers are unique there only. */
async function currentPlace(): Promise<string> {
  if (process.platform !== "linux") return hostname();
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  return `${boot.trim()} ${await readlink("/proc/self/ns/pid")}`;
}
