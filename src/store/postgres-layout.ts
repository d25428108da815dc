import { randomBytes } from "node:crypto";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { join, resolve } from "node:path";
import { DatabaseStartError } from "./database-start-error.ts";

/** Owner and group that the PostgreSQL processes run as. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
}

/** Where the embedded PostgreSQL keeps what, all of it under `DATA_DIR`. */
export interface PostgresLayout {
  readonly dataDir: string;
  /** The cluster and its password; appears in one step, so it is complete or absent. */
  readonly home: string;
  readonly cluster: string;
  readonly password: string;
  readonly log: string;
  /** Says how to reach the running server, see `postgres-state.ts`. */
  readonly state: string;
}

/** Owner of everything in the cluster, and the name of the program's own database. */
export const SUPERUSER = "dianka";
export const DATABASE = "dianka";
/** There from the first moment on; the program keeps nothing in it. */
export const MAINTENANCE_DATABASE = "postgres";
const STAGED_PREFIX = "postgres.new-";
const PASSWORD_BYTES = 24;

/** Paths are absolute, so a later change of the working folder does not move the data. */
export function postgresLayout(dataDir: string): PostgresLayout {
  const root = resolve(dataDir);
  const home = join(root, "postgres");
  return {
    dataDir: root,
    home,
    cluster: join(home, "cluster"),
    password: join(home, "password"),
    log: join(root, "postgres.log"),
    state: join(root, "postgres.json"),
  };
}

/** The address of a database of the embedded server. */
export function databaseUrl(port: number, password: string, database: string): string {
  // Without TLS: it is our own loopback, and PGSSLMODE may say otherwise for other servers.
  return `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`;
}

/** `null` while no cluster was made. */
export async function readPassword(layout: PostgresLayout): Promise<string | null> {
  try {
    return (await readFile(layout.password, "utf8")).trim();
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return null;
    throw new DatabaseStartError(
      `${layout.password} cannot be read (${errorCode(error)}): start Dianka as the user who started it first, or give ${layout.dataDir} to this user.`,
      { cause: error },
    );
  }
}

/**
 * Makes a new home beside the real place, lets `initdb` fill it, then moves it there in one step:
 * a start that is killed half-way, or two at once, leave no half-made cluster behind.
 */
export async function createHome(
  layout: PostgresLayout,
  user: PostgresUser | null,
  initdb: (stagedCluster: string) => Promise<void>,
): Promise<void> {
  const staged = await mkdtemp(join(layout.dataDir, STAGED_PREFIX));
  const cluster = join(staged, "cluster");
  const password = join(staged, "password");
  try {
    await mkdir(cluster, { mode: 0o700 });
    await writeFile(password, randomBytes(PASSWORD_BYTES).toString("hex"), { mode: 0o600 });
    if (user !== null) {
      for (const path of [staged, cluster, password]) await chown(path, user.uid, user.gid);
    }
    await initdb(cluster);
    await rename(staged, layout.home);
    await removeStaged(layout);
  } catch (error) {
    await rm(staged, { recursive: true, force: true });
    // Another start was faster; its cluster is as good as ours.
    if ((await readPassword(layout)) === null) throw error;
  }
}

async function removeStaged(layout: PostgresLayout): Promise<void> {
  for (const name of await readdir(layout.dataDir)) {
    if (!name.startsWith(STAGED_PREFIX)) continue;
    await rm(join(layout.dataDir, name), { recursive: true, force: true });
  }
}

/** Makes `DATA_DIR`, open to nobody else: it holds the database and generated secrets. */
export async function createDataDir(layout: PostgresLayout): Promise<void> {
  try {
    const created = await mkdir(layout.dataDir, { recursive: true, mode: 0o700 });
    // `mkdir` gives the mode to every folder it makes; the umask may have taken some of it.
    if (created !== undefined) await chmod(layout.dataDir, 0o700);
  } catch (error) {
    throw new DatabaseStartError(
      `The data folder ${layout.dataDir} cannot be made (${errorCode(error)}): create it for this user, or set DATA_DIR.`,
      { cause: error },
    );
  }
}

/** "ENOENT" and its kin; the empty string for anything else that was thrown. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
