import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretBox } from "../../src/core/upstream/secret-box.ts";
import { readSecretKey } from "../../src/store/secret-key.ts";

const MAIN = fileURLToPath(new URL("../../src/seal-secret.main.ts", import.meta.url));

describe("sealing a secret for the configuration file", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "dianka-seal-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));
  const seal = (input: string, secretKey: string) => {
    const env = { ...process.env, SECRET_KEY: secretKey, DATA_DIR: dataDir };
    return spawnSync(process.execPath, [MAIN], { input, env, encoding: "utf8" });
  };

  it("seals with SECRET_KEY and shows nothing but the sealed text", () => {
    const { stdout, stderr, status } = seal("sk-123\n", "a secret key");
    expect([stderr, status]).toEqual(["", 0]);
    expect(stdout).toMatch(/^sealed:v1:[\w-]+\n$/);
    expect(new SecretBox("a secret key").open(stdout.trim())).toBe("sk-123");
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it("seals with the key in DATA_DIR when SECRET_KEY is blank, making one if need be", async () => {
    const { stdout } = seal("sk-123", "");
    const { secret } = await readSecretKey(null, dataDir);
    expect(new SecretBox(secret).open(stdout.trim())).toBe("sk-123");
  });

  it("says so when there is nothing to seal", () => {
    const { stdout, stderr, status } = seal(" \n", "a secret key");
    expect([stdout, status]).toEqual(["", 2]);
    expect(stderr).toContain("nothing to seal");
  });
});
