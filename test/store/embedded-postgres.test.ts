import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmbeddedPostgres } from "../../src/store/embedded-postgres.ts";
import { findDatabaseUrl } from "../../src/store/find-database-url.ts";
import { isPostmasterOf } from "../../src/store/postmaster-file.ts";

const HOLDER = fileURLToPath(new URL("../fakes/embedded-postgres-holder.main.ts", import.meta.url));

/** One cluster for all tests of this file: making one costs more than starting it. */
let dataDir: string;
const holders: ChildProcess[] = [];

beforeAll(async () => {
  // As root this folder is closed to the user that PostgreSQL runs as, like a clone below /root.
  dataDir = join(await mkdtemp(join(tmpdir(), "dianka-embedded-")), "data");
  await (await EmbeddedPostgres.start({ dataDir })).stop();
});

afterAll(async () => {
  for (const holder of holders) holder.kill("SIGKILL");
  // Clears away whatever a failed test left running.
  await (await EmbeddedPostgres.start({ dataDir })).stop();
  await rm(join(dataDir, ".."), { recursive: true });
});

interface Holder {
  readonly process: ChildProcess;
  readonly url: string | undefined;
  readonly error: string | undefined;
}

/** A Dianka of its own, in a process group of its own, as a terminal would start it. */
async function startHolder(): Promise<Holder> {
  const child = spawn(process.execPath, [HOLDER, dataDir], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  holders.push(child);
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { process: child, url: undefined, error: undefined, ...JSON.parse(line) };
}

async function query(url: string | undefined, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function ended(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode ?? child.signalCode;
}

async function serverPid(): Promise<number> {
  return JSON.parse(await readFile(join(dataDir, "postgres.json"), "utf8")).pid;
}

const exists = (name: string) =>
  stat(join(dataDir, name)).then(
    () => true,
    () => false,
  );
const PID_FILE = "postgres/cluster/postmaster.pid";

describe("EmbeddedPostgres", () => {
  it("keeps what was committed from one start to the next, on a port of its own each time", async () => {
    const first = await EmbeddedPostgres.start({ dataDir });
    await query(first.url, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('点卡')");
    await first.stop();
    await using second = await EmbeddedPostgres.start({ dataDir });
    expect(await query(second.url, "SELECT word FROM kept")).toEqual([{ word: "点卡" }]);
  });

  it("keeps its password and its address to its own user and listens on this machine only", async () => {
    await using database = await EmbeddedPostgres.start({ dataDir });
    for (const name of ["postgres/password", "postgres.json"]) {
      expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
    }
    expect(await query(database.url, "SHOW listen_addresses")).toEqual([
      { listen_addresses: "127.0.0.1" },
    ]);
    const wrong = database.url.replace(/:[0-9a-f]{48}@/, ":wrong@");
    await expect(query(wrong, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  });

  it("is as careful with data as money needs, and orders text the same on every system", async () => {
    await using database = await EmbeddedPostgres.start({ dataDir });
    const [row] = await query(
      database.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
        datlocprovider AS provider, datlocale AS locale, pg_encoding_to_char(encoding) AS encoding, upper('é') AS upper
      FROM pg_database WHERE datname = current_database()`,
    );
    expect(row).toEqual({
      fsync: "on",
      commit: "on",
      provider: "b",
      locale: "C.UTF-8",
      encoding: "UTF8",
      upper: "É",
    });
  });

  it("writes neither statements nor values into its log", async () => {
    await using database = await EmbeddedPostgres.start({ dataDir });
    await expect(
      query(
        database.url,
        "CREATE TABLE one (id text PRIMARY KEY); INSERT INTO one VALUES ('secret-1'), ('secret-1')",
      ),
    ).rejects.toThrow("duplicate key");
    const log = await readFile(join(dataDir, "postgres.log"), "utf8");
    expect(log).toContain("duplicate key");
    expect(log).not.toContain("secret-1");
  });

  it("says when the server ends although nobody stopped it, and starts again afterwards", async () => {
    const database = await EmbeddedPostgres.start({ dataDir });
    process.kill(await serverPid(), "SIGKILL");
    expect((await database.ended).message).toContain("ended");
    await database.stop();
    await using again = await EmbeddedPostgres.start({ dataDir });
    expect(await query(again.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

describe("two programs on one data folder", () => {
  it("tells the second one who has it, and leaves the first alone", async () => {
    await using database = await EmbeddedPostgres.start({ dataDir });
    const second = await startHolder();
    expect(second.error).toBe(
      `${dataDir} is in use by another Dianka (process ${process.pid}): stop that one, or give this one a DATA_DIR of its own.`,
    );
    expect(await ended(second.process)).toBe(1);
    expect(await query(database.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  it("lets one of two that start at the same moment through", async () => {
    const both = await Promise.all([startHolder(), startHolder()]);
    const winners = both.filter((holder) => holder.url !== undefined);
    expect(winners).toHaveLength(1);
    expect(both.find((holder) => holder.error !== undefined)?.error).toContain(
      "in use by another Dianka",
    );
    winners[0]?.process.kill("SIGTERM");
    expect(await Promise.all(both.map((holder) => ended(holder.process)))).toContain(0);
  });

  it("refuses a folder whose owner in another container still gives signs of life", async () => {
    const state = join(dataDir, "postgres.json");
    await writeFile(
      state,
      JSON.stringify({ port: 1, pid: 1, ownerPid: 77, place: "another container" }),
    );
    const heartbeat = setInterval(() => void utimes(state, new Date(), new Date()), 50);
    try {
      await expect(EmbeddedPostgres.start({ dataDir })).rejects.toThrow(
        "in use by another Dianka (process 77)",
      );
    } finally {
      clearInterval(heartbeat);
    }
  });

  it("takes over a folder whose owner in another container is gone", async () => {
    const state = join(dataDir, "postgres.json");
    await writeFile(
      state,
      JSON.stringify({ port: 1, pid: 1, ownerPid: 77, place: "another container" }),
    );
    const lastSeen = new Date(Date.now() - 20_000);
    await utimes(state, lastSeen, lastSeen);
    await using database = await EmbeddedPostgres.start({ dataDir });
    expect(await query(database.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

describe("a program that ends", () => {
  it("is not followed by its server into a signal of the terminal, and stops it last", async () => {
    const holder = await startHolder();
    const pid = await serverPid();
    const groupOf = (id: number) =>
      execFileSync("ps", ["-o", "pgid=", "-p", String(id)])
        .toString()
        .trim();
    expect(groupOf(pid)).not.toBe(groupOf(holder.process.pid ?? 0));
    process.kill(-(holder.process.pid ?? 0), "SIGTERM");
    expect(await ended(holder.process)).toBe(0);
    expect(await isPostmasterOf(join(dataDir, "postgres/cluster"), pid)).toBe(false);
    expect(await exists("postgres.json")).toBe(false);
  });

  it("takes its server with it even when it forgets to stop it", async () => {
    const holder = await startHolder();
    holder.process.kill("SIGUSR2");
    expect(await ended(holder.process)).toBe(0);
    await expect.poll(() => exists(PID_FILE), { timeout: 10_000 }).toBe(false);
  });

  it("leaves, when killed, a server that the next start stops cleanly and replaces", async () => {
    const holder = await startHolder();
    const orphan = await serverPid();
    await query(
      holder.url,
      "CREATE TABLE IF NOT EXISTS paid (amount int); INSERT INTO paid VALUES (5)",
    );
    const idle = new pg.Client({ connectionString: holder.url });
    // pg tells of it twice: the server's goodbye, then the closed connection.
    idle.on("error", () => {});
    const isCut = new Promise<void>((resolve) => idle.once("end", resolve));
    await idle.connect();
    holder.process.kill("SIGKILL");
    await ended(holder.process);
    expect(await isPostmasterOf(join(dataDir, "postgres/cluster"), orphan)).toBe(true);

    await using database = await EmbeddedPostgres.start({ dataDir });
    await isCut;
    expect(await isPostmasterOf(join(dataDir, "postgres/cluster"), orphan)).toBe(false);
    expect(await query(database.url, "SELECT amount FROM paid")).toEqual([{ amount: 5 }]);
    const log = await readFile(join(dataDir, "postgres.log"), "utf8");
    expect(log).toContain("starting PostgreSQL");
    expect(log.slice(log.lastIndexOf("starting PostgreSQL"))).not.toContain(
      "not properly shut down",
    );
  });

  it("leaves, when killed with its server, a lock file that may name a stranger by now", async () => {
    const holder = await startHolder();
    await query(
      holder.url,
      "CREATE TABLE IF NOT EXISTS paid (amount int); INSERT INTO paid VALUES (7)",
    );
    const pid = await serverPid();
    holder.process.kill("SIGKILL");
    process.kill(pid, "SIGKILL");
    await ended(holder.process);
    const file = join(dataDir, PID_FILE);
    // The number of a process of the same user that lives: PostgreSQL alone would refuse to start.
    const stranger = spawn("sleep", ["60"], await ownerOf(file));
    await writeFile(file, (await readFile(file, "utf8")).replace(/^\d+/, String(stranger.pid)));
    try {
      await using database = await EmbeddedPostgres.start({ dataDir });
      expect(await query(database.url, "SELECT max(amount) AS max FROM paid")).toEqual([
        { max: 7 },
      ]);
      expect(stranger.exitCode).toBe(null);
    } finally {
      stranger.kill();
    }
  });
});

async function ownerOf(file: string): Promise<{ uid: number; gid: number }> {
  const { uid, gid } = await stat(file);
  return { uid, gid };
}

describe("findDatabaseUrl", () => {
  it("prefers the database that the operator named", async () => {
    await using found = await findDatabaseUrl({ databaseUrl: "postgresql://elsewhere/x", dataDir });
    expect(found.url).toBe("postgresql://elsewhere/x");
  });

  it("finds the one of a running program and leaves it running", async () => {
    await using database = await EmbeddedPostgres.start({ dataDir });
    {
      await using found = await findDatabaseUrl({ databaseUrl: null, dataDir });
      expect(found.url).toBe(database.url);
    }
    expect(await query(database.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  it("starts the embedded one when nothing runs, also after a kill, and stops it again", async () => {
    const holder = await startHolder();
    process.kill(await serverPid(), "SIGKILL");
    holder.process.kill("SIGKILL");
    await ended(holder.process);
    {
      await using found = await findDatabaseUrl({ databaseUrl: null, dataDir });
      expect(await query(found.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    }
    expect(await exists(PID_FILE)).toBe(false);
  });
});
