import { spawnSync } from "node:child_process";
import { chmod, mkdir, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { Machine } from "../machine.ts";
import { Stage } from "../stage.ts";
import { seconds, waitFor } from "../wait-for.ts";

const ROUNDS = { short: 1, long: 3 } as const;
const MOUNT = "/bin/mount";
const UMOUNT = "/bin/umount";
const DISK = "200m";
const LEFT_BYTES = 64 * 1024;
const CHUNK = Buffer.alloc(256 * 1024, 1);
const FULL_MS = 4_000;

/** The disk of PostgreSQL is full for a while: nothing is served for free, nothing is lost, and it goes on. */
export const fullDisk: Fault = {
  id: "F19",
  title: "disk full for Postgres",
  onBothQueues: false,
  async run(context) {
    const disk = join(context.machine.folder, "small-disk");
    await mkdir(disk);
    // Its owner is another user when we are root, so the way to it has to be open.
    await chmod(context.machine.folder, 0o755);
    const options = ["-t", "tmpfs", "-o", `size=${DISK},mode=0755`, "tmpfs", disk];
    if (spawnSync(MOUNT, options).status !== 0) {
      const seen = "not run: a small disk needs the right to mount one";
      return { rounds: 0, seen, problems: [] };
    }
    try {
      await using machine = await Machine.start({ redis: false, dataDir: join(disk, "data") });
      await using stage = await Stage.open({
        ...context,
        machine,
        backend: "postgres",
        isBreakable: true,
      });
      return await fill(stage, machine, disk, ROUNDS[context.dose]);
    } finally {
      if (spawnSync(UMOUNT, [disk]).status !== 0) spawnSync(UMOUNT, ["-l", disk]);
    }
  },
};

async function fill(stage: Stage, machine: Machine, disk: string, rounds: number) {
  await stage.start("all");
  const people = await stage.addPeople(8);
  const problems: string[] = [];
  let backMs = 0;
  let servedWhileFull = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const person of people) stage.ask(person, { tokens: 40, tokenMs: 30 });
    await waitFor("answers stream", () => stage.streaming >= 3, 60_000);
    const filler = join(disk, "filler");
    await fillUp(disk, filler);
    const fullAtMs = performance.now();
    for (const person of people) stage.ask(person, { tokens: 5, tokenMs: 5 });
    await sleep(FULL_MS);
    servedWhileFull += stage.upstream.calls.filter(
      ({ startedAtMs }) => startedAtMs > fullAtMs,
    ).length;
    await rm(filler);
    const freedAtMs = performance.now();
    // PostgreSQL ends itself when it cannot write its log; whoever runs it starts it again.
    if (
      !(await stage.pool.query("SELECT 1").then(
        () => true,
        () => false,
      ))
    ) {
      await machine.stopPostgres();
      await machine.startPostgres();
    }
    await stage.settle(180_000);
    backMs = Math.max(backMs, performance.now() - freedAtMs);
  }
  const taken = stage.questions.length;
  problems.push(...(await checkInvariants(stage)));
  return {
    rounds,
    seen: `${taken} answers, ${servedWhileFull} began while the disk was full (their holds are on it), all ended ${seconds(backMs)} after there was room`,
    problems,
  };
}

async function fillUp(disk: string, file: string): Promise<void> {
  const handle = await open(file, "w");
  try {
    for (;;) {
      const { bavail, bsize } = await statfs(disk);
      if (bavail * bsize < LEFT_BYTES) return;
      await handle.write(CHUNK.subarray(0, Math.min(CHUNK.length, bavail * bsize)));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    await handle.close();
  }
}
