import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A configuration file for programs that a test starts. */
export class ConfigFile implements AsyncDisposable {
  readonly path: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, "dianka.config.json");
  }

  static async write(config: object): Promise<ConfigFile> {
    const file = new ConfigFile(await mkdtemp(join(tmpdir(), "dianka-config-")));
    await writeFile(file.path, JSON.stringify(config));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
