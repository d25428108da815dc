import { randomInt } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPgPool, preparedQuery } from "../../src/store/pg-pool.ts";
import { runFile } from "../../src/store/run-file.ts";
import { ACCOUNTS } from "./bench-database.ts";
import { type Contender, drive, type Load, type Measurement } from "./contender.ts";

/** Where pgbench is fastest on two cores: 64 clients have more to flush together, on one row they only queue. */
const CLIENTS: Readonly<Record<Load, number>> = { spread: 64, hot: 16 };
const UPDATE =
  "UPDATE wallet SET balance = balance - 1 WHERE id = :id AND balance >= 1 RETURNING balance;";

/** The least a balance column can cost: pgbench's own loop, or ours where pgbench is not installed. */
export async function bareUpdate(url: string): Promise<Contender> {
  try {
    await runFile("pgbench", ["--version"]);
  } catch {
    return standIn(url);
  }
  const folder = await mkdtemp(join(tmpdir(), "dianka-pgbench-"));
  const script = (load: Load) => join(folder, `${load}.sql`);
  await writeFile(script("spread"), `\\set id random(1, ${ACCOUNTS})\n${UPDATE}\n`);
  await writeFile(script("hot"), `\\set id 1\n${UPDATE}\n`);
  return {
    name: "pgbench, bare UPDATE",
    callers: (load) => CLIENTS[load],
    measure: (load, ms) => runPgbench(url, script(load), CLIENTS[load], ms),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function runPgbench(
  url: string,
  script: string,
  clients: number,
  ms: number,
): Promise<Measurement> {
  // Its clock runs while it connects; its figure leaves that time out.
  const seconds = Math.ceil(ms / 1000) + 1;
  const flags = ["-n", "-M", "prepared", "-c", clients, "-j", 2, "-T", seconds, "-f", script];
  const { stdout } = await runFile("pgbench", [...flags.map(String), url]);
  const perSecond = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1]);
  const done = Number(/actually processed: (\d+)/.exec(stdout)?.[1]);
  if (!(perSecond > 0) || !(done > 0)) throw new Error(`pgbench gave no figure: ${stdout}`);
  return { perSecond, p50Ms: null, p99Ms: null, done };
}

function standIn(url: string): Contender {
  const pool = createPgPool(url, { max: 64, applicationName: "bench stand-in" });
  const text = UPDATE.replace(":id", "$1");
  return {
    name: "pg driver in place of pgbench",
    callers: (load) => CLIENTS[load],
    measure: (load, ms) =>
      drive(CLIENTS[load], ms, async () => {
        const id = load === "hot" ? 1 : 1 + randomInt(ACCOUNTS);
        await pool.query(preparedQuery(text, [id]));
      }),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
