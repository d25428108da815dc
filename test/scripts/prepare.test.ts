import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// Plain JavaScript, because it runs on a Node that knows no types.
const load = (name: string) =>
  import(pathToFileURL(join(import.meta.dirname, "../../scripts", name)).href);
const {
  findMissingPackage,
}: {
  findMissingPackage(
    lockFile: string,
    installedFile: string,
    withDevelopers: boolean,
  ): string | null;
} = await load("missing-package.mjs");
const {
  withLock,
}: {
  withLock<Result>(
    folder: string,
    work: (noteProcess: (pid: number) => void) => Promise<Result>,
  ): Promise<Result>;
} = await load("prepare-lock.mjs");

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dianka-prepare-"));
});

afterAll(() => rm(folder, { recursive: true }));

describe("findMissingPackage", () => {
  const here = { os: [process.platform], cpu: [process.arch] };
  const wanted = {
    "": { version: "1.0.0" },
    "node_modules/pg": { version: "8.0.0" },
    "node_modules/vitest": { version: "5.0.0", dev: true },
    "node_modules/fast-here": { version: "1.0.0", optional: true, ...here },
    "node_modules/fast-there": { version: "1.0.0", optional: true, os: ["aix"], cpu: ["ppc64"] },
    "node_modules/nice": { version: "1.0.0", optional: true },
  };
  const {
    "": _root,
    "node_modules/fast-there": _there,
    "node_modules/nice": _nice,
    ...complete
  } = wanted;

  async function missing(installed: object, withDevelopers = true): Promise<string | null> {
    const lockFile = join(folder, "package-lock.json");
    const installedFile = join(folder, "installed.json");
    await writeFile(lockFile, JSON.stringify({ packages: wanted }));
    await writeFile(installedFile, JSON.stringify({ packages: installed }));
    return findMissingPackage(lockFile, installedFile, withDevelopers);
  }

  it("finds nothing when all that this machine needs is there", async () => {
    expect(await missing(complete)).toBe(null);
  });

  it("finds a package that is absent and one of another version", async () => {
    const { "node_modules/pg": _pg, ...withoutPg } = complete;
    expect(await missing(withoutPg)).toBe("node_modules/pg");
    expect(await missing({ ...complete, "node_modules/pg": { version: "7.0.0" } })).toBe(
      "node_modules/pg",
    );
  });

  it("wants the packages of developers only where they are wanted", async () => {
    const { "node_modules/vitest": _vitest, ...withoutVitest } = complete;
    expect(await missing(withoutVitest, true)).toBe("node_modules/vitest");
    expect(await missing(withoutVitest, false)).toBe(null);
  });

  it("wants an optional package that was made for this machine", async () => {
    const { "node_modules/fast-here": _here, ...withoutFast } = complete;
    expect(await missing(withoutFast)).toBe("node_modules/fast-here");
  });
});

describe("withLock", () => {
  /** A lock as a start left it that made no sign of life for ten seconds. */
  async function leaveLock(name: string, pid: number): Promise<string> {
    const lock = join(folder, name);
    await mkdir(lock);
    await writeFile(join(lock, String(pid)), "");
    const past = new Date(Date.now() - 10_000);
    await utimes(lock, past, past);
    return lock;
  }

  it("lets one at a time in, and leaves nothing behind", async () => {
    const lock = join(folder, "one");
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(20);
      inside -= 1;
    };
    await Promise.all([withLock(lock, work), withLock(lock, work), withLock(lock, work)]);
    expect(most).toBe(1);
    await expect(stat(lock)).rejects.toThrow("ENOENT");
  });

  it("is released by work that fails", async () => {
    const lock = join(folder, "failing");
    await expect(withLock(lock, () => Promise.reject(new Error("no network")))).rejects.toThrow(
      "no network",
    );
    expect(await withLock(lock, async () => "next")).toBe("next");
  });

  it("is taken over from a process that was killed", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    const lock = await leaveLock("dead", pid);
    expect(await withLock(lock, async () => "taken over")).toBe("taken over");
  });

  it("is not taken from a process that lives, such as an npm whose parent was killed", async () => {
    const lock = await leaveLock("living", process.pid);
    const taken = withLock(lock, async () => "released");
    expect(await Promise.race([taken, sleep(500, "still held")])).toBe("still held");
    await rm(lock, { recursive: true });
    expect(await taken).toBe("released");
  });
});
