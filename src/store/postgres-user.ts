import { stat } from "node:fs/promises";
import { DatabaseStartError } from "./database-start-error.ts";
import type { PostgresLayout, PostgresUser } from "./postgres-layout.ts";
import { runFile } from "./run-file.ts";

const OWN_NAME = "dianka";
/** Unprivileged users that machines have already, the best first. */
const KNOWN_NAMES = [OWN_NAME, "postgres"] as const;

/**
 * Whom PostgreSQL runs as: `null` is ourselves. Only root needs somebody else, because PostgreSQL
 * refuses to run as root: the owner of an existing cluster, else an unprivileged user of this machine,
 * which is created when there is none.
 */
export async function postgresUser(layout: PostgresLayout): Promise<PostgresUser | null> {
  if (process.getuid?.() !== 0) return null;
  if (process.platform !== "linux") {
    throw new DatabaseStartError(
      "The embedded PostgreSQL does not run as root on this system: start Dianka as another user, or set DATABASE_URL.",
    );
  }
  const owner = await stat(layout.cluster).catch(() => null);
  if (owner !== null && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  for (const name of KNOWN_NAMES) {
    const user = await findUser(name);
    if (user !== null) return user;
  }
  // A machine that cannot create users still has "nobody".
  const user = (await createUser(OWN_NAME)) ?? (await findUser("nobody"));
  if (user !== null) return user;
  throw new DatabaseStartError(
    "PostgreSQL does not run as root and this machine has no other user: create a user named dianka, or set DATABASE_URL.",
  );
}

async function findUser(name: string): Promise<PostgresUser | null> {
  try {
    const [uid, gid] = await Promise.all([
      runFile("id", ["-u", name]),
      runFile("id", ["-g", name]),
    ]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    // `id` fails exactly when there is no such user.
    return null;
  }
}

async function createUser(name: string): Promise<PostgresUser | null> {
  const options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"];
  try {
    await runFile("useradd", [...options, "--shell", "/usr/sbin/nologin", name]);
  } catch {
    // No `useradd`, a read-only /etc, or another start just made it: `findUser` tells.
  }
  return findUser(name);
}
