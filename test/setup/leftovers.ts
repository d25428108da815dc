// A clock of the test does not reach this timer.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { disposeDatabases } from "../fakes/test-database.ts";

/** What keeps a process alive and is always somebody's to close. */
const WATCHED = ["TCPServerWrap", "TCPSocketWrap", "PipeWrap", "ProcessWrap", "Timeout"];
/**
 * A socket that was closed, or a child that was killed, is gone a moment later; a BullMQ worker that
 * was closed in an outage keeps one timer of five seconds.
 */
const GRACE_MS = 8_000;
const POLL_MS = 25;

let before: Map<string, number>;

beforeAll(() => {
  // Made when they are first looked at, which may be in the middle of a test, and never closed.
  void [process.stdin, process.stdout, process.stderr];
  before = countResources();
  // The one that is there now is a passing one of the test runner.
  before.delete("Timeout");
});

// Registered before those of the test file, so it runs after them.
afterAll(async () => {
  await disposeDatabases();
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const left = leftovers();
    if (left.length === 0) return;
    if (waitedMs >= GRACE_MS)
      throw new Error(`This test file left something running: ${left.join(", ")}`);
    await sleep(POLL_MS);
  }
});

function leftovers(): string[] {
  return [...countResources()]
    .map(([type, count]) => [type, count - (before.get(type) ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .map(([type, count]) => `${count} × ${type}`);
}

function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (WATCHED.includes(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}
