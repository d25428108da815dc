import {
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 200;
const HEARTBEAT_MS = 1_000;
/** A few heartbeats were missed and none of its processes is to be seen: its owner was killed. */
const STALE_MS = 3_000;
/** No installation takes so long; a process that is to be seen has inherited the number. */
const STALE_WITH_PROCESS_MS = 1_800_000;

/**
 * Does `work` while no other process does: a folder is the lock, because making one succeeds only once.
 * `work` gets a function that names a child process: the lock holds as long as that one lives, too.
 */
export async function withLock(folder, work) {
  await take(folder);
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(folder, now, now);
    } catch {
      // Taken from us while the machine slept; npm itself copes with what follows.
    }
  }, HEARTBEAT_MS);
  try {
    return await work((pid) => writeFileSync(join(folder, String(pid)), ""));
  } finally {
    clearInterval(heartbeat);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function take(folder) {
  let hasSaidSo = false;
  for (;;) {
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, String(process.pid)), "");
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (isStale(folder)) {
      removeStale(folder);
      continue;
    }
    if (!hasSaidSo) console.error("Another start is installing packages; waiting for it …");
    hasSaidSo = true;
    await sleep(POLL_MS);
  }
}

function isStale(folder) {
  try {
    const silentMs = silenceOf(folder);
    return silentMs > STALE_WITH_PROCESS_MS || (silentMs > STALE_MS && !isProcessSeen(folder));
  } catch (error) {
    // Released at this moment.
    if (error.code === "ENOENT") return false;
    throw error;
  }
}

function silenceOf(folder) {
  return Date.now() - statSync(folder).mtimeMs;
}

function isProcessSeen(folder) {
  return readdirSync(folder).some((pid) => {
    try {
      return process.kill(Number(pid), 0);
    } catch (error) {
      return error.code === "EPERM";
    }
  });
}

/** Moved away first: when two find it stale at once, only one of them moves it. */
function removeStale(folder) {
  const moved = `${folder}.${process.pid}`;
  try {
    renameSync(folder, moved);
  } catch {
    return;
  }
  // Between our look and our move its next owner may have made it anew.
  if (silenceOf(moved) < STALE_MS) renameSync(moved, folder);
  else rmSync(moved, { recursive: true, force: true });
}
