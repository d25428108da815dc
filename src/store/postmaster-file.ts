import { readFile, readlink, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "./postgres-layout.ts";
import { runFile } from "./run-file.ts";

/** What `postmaster.pid` of a cluster says: https://www.postgresql.org/docs/18/storage-file-layout.html */
export interface PostmasterFile {
  readonly pid: number;
  /** `null` until the server has chosen it. */
  readonly port: number | null;
  readonly isReady: boolean;
}

/** `null` when no server holds the cluster, as far as the file tells. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | null> {
  const lines = await readLines(cluster);
  if (lines === null) return null;
  const port = Number(lines[3]);
  return {
    pid: Number(lines[0]),
    port: Number.isInteger(port) && port > 0 ? port : null,
    isReady: lines[7]?.trim() === "ready",
  };
}

/**
 * A process of any kind may have inherited the number of a server that died. PostgreSQL then takes
 * its file for that of a running server and refuses to start. With our own number, the parent's, it
 * goes on to what is certain: whether anybody still uses the shared memory named in the same file.
 */
export async function disownPostmasterFile(cluster: string): Promise<void> {
  const lines = await readLines(cluster);
  if (lines === null) return;
  await writeFile(join(cluster, "postmaster.pid"), [process.pid, ...lines.slice(1)].join("\n"));
}

/** Whether the process `pid` is a PostgreSQL server of this cluster, and not just any process. */
export async function isPostmasterOf(cluster: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  // PostgreSQL works in the folder of its cluster.
  if (process.platform === "linux") {
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => null);
    return folder === (await realpath(cluster));
  }
  const { stdout } = await runFile("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({
    stdout: "",
  }));
  return stdout.includes("postgres") && stdout.includes(cluster);
}

/** Whether there is a process with this number, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

async function readLines(cluster: string): Promise<string[] | null> {
  try {
    const text = await readFile(join(cluster, "postmaster.pid"), "utf8");
    // It is empty for an instant while a server creates it.
    return text === "" ? null : text.split("\n");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}
