import { z } from "zod";
import type { AdapterMemory } from "../../../core/chat/adapter-memory.ts";
import type { Logger } from "../../../core/log.ts";
import type { SecretBox } from "../../../core/upstream/secret-box.ts";

const PREFIX = "login:";

const Credentials = z.object({
  /** The person's id: the same however often they scan. */
  personId: z.string(),
  /** The id of the bot iLink made for them. */
  botId: z.string(),
  token: z.string(),
  baseUrl: z.string(),
  connectedAtMs: z.number(),
});
/** With what one person's bot signs in. */
export type Credentials = z.infer<typeof Credentials>;

/** The logins that survive a restart. The tokens lie sealed. */
export class IlinkLoginStore {
  readonly #memory: AdapterMemory;
  readonly #box: SecretBox;
  readonly #log: Logger;

  constructor(memory: AdapterMemory, box: SecretBox, log: Logger) {
    this.#memory = memory;
    this.#box = box;
    this.#log = log;
  }

  /** Those that can be read, the oldest first; the others are kept for when their key is back. */
  async list(): Promise<Credentials[]> {
    const found = await this.#memory.list(PREFIX);
    const logins = [...found].flatMap(([key, sealed]) => this.#open(key, sealed) ?? []);
    return logins.sort((one, other) => one.connectedAtMs - other.connectedAtMs);
  }

  async save(credentials: Credentials): Promise<void> {
    const sealed = this.#box.seal(JSON.stringify(credentials));
    await this.#memory.write(PREFIX + credentials.personId, sealed);
  }

  async delete(personId: string): Promise<void> {
    await this.#memory.delete(PREFIX + personId);
  }

  #open(key: string, sealed: string): Credentials | null {
    try {
      return Credentials.parse(JSON.parse(this.#box.open(sealed)));
    } catch {
      this.#log.error({ key }, "remembered WeChat login does not open: was SECRET_KEY changed?");
      return null;
    }
  }
}
