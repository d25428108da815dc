import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FILE = "secret.key";
const KEY_BYTES = 32;

/** Keys for single purposes, all from one secret, so that none can be told from another. */
export class SecretKey {
  /** The secret itself, for what derives its own keys from it. */
  readonly secret: string;

  constructor(secret: string) {
    this.secret = secret;
  }

  /** 32 bytes that are always the same for a purpose. */
  derive(purpose: string): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.secret, "dianka", purpose, KEY_BYTES));
  }

  /** A word for an address or a login, as long as anybody can bear to copy. */
  deriveWord(purpose: string): string {
    return createHmac("sha256", this.derive(purpose)).digest("base64url").slice(0, 32);
  }
}

/**
 * The configured secret, else the one in `dataDir`, which is made at the first start. Two
 * processes starting at once agree on one.
 */
export async function readSecretKey(given: string | null, dataDir: string): Promise<SecretKey> {
  if (given !== null) return new SecretKey(given);
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, FILE);
  const fresh = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const text = `${randomBytes(KEY_BYTES).toString("base64url")}\n`;
  await writeFile(fresh, text, { mode: 0o600, flag: "wx", flush: true });
  try {
    // Whole or not at all, and only where none is yet: whoever comes second uses the first one's.
    await link(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(fresh, { force: true });
  }
  const secret = (await readFile(path, "utf8")).trim();
  if (secret.length < KEY_BYTES) {
    throw new Error(`${path} is damaged: put back the key from a backup or set SECRET_KEY`);
  }
  return new SecretKey(secret);
}
