import {
  mkdirSync,
  readFileSync,
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
/** Without a sign of life for so long its owner is gone. */
const STALE_MS = 20_000;
/** When its process is not to be seen either, a few missed heartbeats are enough. */
const STALE_WITHOUT_PROCESS_MS = 3_000;

/** Does `work` while no other process does: a folder is the lock, because making one succeeds only once. */
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
    return await work();
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
      writeFileSync(join(folder, "pid"), String(process.pid));
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
  const silentMs = silenceOf(folder);
  return silentMs > STALE_MS || (silentMs > STALE_WITHOUT_PROCESS_MS && !isOwnerSeen(folder));
}

function silenceOf(folder) {
  try {
    return Date.now() - statSync(folder).mtimeMs;
  } catch {
    // Released at this moment.
    return 0;
  }
}

function isOwnerSeen(folder) {
  try {
    process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
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
  if (silenceOf(moved) < STALE_WITHOUT_PROCESS_MS) renameSync(moved, folder);
  else rmSync(moved, { recursive: true, force: true });
}
