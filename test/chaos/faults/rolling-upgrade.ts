import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RunningProgram } from "../../fakes/running-program.ts";
import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { Stage } from "../stage.ts";
import { seconds, waitFor } from "../wait-for.ts";

const DOSES = { short: { rolls: 1, streams: 8 }, long: { rolls: 20, streams: 40 } } as const;
const DRAIN_MS = 60_000;
const ROOT = resolve(import.meta.dirname, "../../..");

/**
 * Old and new processes side by side. The new version is a copy of this tree with one more migration,
 * which only adds: it is applied under the old version while that has answers in flight.
 */
export const rollingUpgrade: Fault = {
  id: "F15",
  title: "rolling upgrade over a migration",
  onBothQueues: true,
  async run(context) {
    const { random, machine, dose } = context;
    const { rolls, streams } = DOSES[dose];
    await using stage = await Stage.open({
      ...context,
      environment: { DRAIN_TIMEOUT_MS: String(DRAIN_MS) },
    });
    let workers = [await stage.start("worker"), await stage.start("worker")];
    let gateway = await stage.start("gateway");
    const people = await stage.addPeople(streams);
    const exitMs: number[] = [];
    const problems: string[] = [];
    for (let roll = 1; roll <= rolls; roll += 1) {
      const folder = await makeVersion(join(machine.folder, `version-${roll}`), roll);
      const start = (role: string) => startVersion(stage, folder, role);
      for (const person of people) {
        stage.ask(person, { tokens: random.between(60, 160), tokenMs: 40 });
      }
      await waitFor("answers stream", () => stage.streaming >= streams / 2, 60_000);
      const next: RunningProgram[] = [];
      for (const old of workers) {
        next.push(await start("worker"));
        exitMs.push(await drain(old, problems));
      }
      const standby = await start("gateway");
      for (const person of people.slice(0, 4)) stage.ask(person, { tokens: 20, tokenMs: 30 });
      exitMs.push(await drain(gateway, problems));
      workers = next;
      gateway = standby;
      await stage.settle(120_000);
    }
    const failed = [...(await stage.readReplies()).values()].filter(
      ({ failure }) => failure !== null,
    );
    const { rows } = await stage.pool.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM _prisma_migrations WHERE migration_name LIKE '%chaos%'",
    );
    return {
      rounds: rolls,
      seen: `${stage.questions.length} answers, ${failed.length} failed; ${rows[0]?.count} migrations under way; SIGTERM to exit ≤ ${seconds(Math.max(...exitMs))}`,
      problems: [
        ...problems,
        ...(failed.length === 0 ? [] : [`I5: ${failed.length} answers failed`]),
        ...(rows[0]?.count === rolls ? [] : ["the new version did not migrate"]),
        ...above("SIGTERM to exit", Math.max(...exitMs), DRAIN_MS + 15_000, "ms"),
        ...(await checkInvariants(stage)),
      ],
    };
  },
};

async function drain(program: RunningProgram, problems: string[]): Promise<number> {
  const atMs = performance.now();
  program.signal("SIGTERM");
  const code = await program.ended();
  if (code !== 0) problems.push(`a drained process ended with ${code}`);
  return performance.now() - atMs;
}

/** This tree with one more migration, all of `rounds` before it included: migrations are only added. */
async function makeVersion(folder: string, roll: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  await cp(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  await cp(join(ROOT, "prisma"), join(folder, "prisma"), { recursive: true });
  await cp(join(ROOT, "package.json"), join(folder, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (let number = 1; number <= roll; number += 1) {
    const name = `2099010100${String(number).padStart(4, "0")}_chaos`;
    await mkdir(join(folder, "prisma/migrations", name));
    await writeFile(join(folder, "prisma/migrations", name, "migration.sql"), migration(number));
  }
  return folder;
}

/** Adds a column, a table and an index, as an upgrade does that the old version has to bear. */
const migration = (number: number): string => `
ALTER TABLE reply ADD COLUMN chaos_${number} text NOT NULL DEFAULT 'new';
CREATE TABLE chaos_${number} (id bigint PRIMARY KEY);
CREATE INDEX reply_chaos_${number} ON reply (chaos_${number}) WHERE chaos_${number} <> 'new';
`;

async function startVersion(stage: Stage, folder: string, role: string): Promise<RunningProgram> {
  const program = await RunningProgram.start(stage.environment(role), join(folder, "src/main.ts"));
  stage.programs.push(program);
  return program;
}
