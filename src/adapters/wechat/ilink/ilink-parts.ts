import { z } from "zod";
import type { AdapterMemory } from "../../../core/chat/adapter-memory.ts";
import type { Logger } from "../../../core/log.ts";
import type { SecretBox } from "../../../core/upstream/secret-box.ts";
import type { IlinkPart } from "./ilink-message.ts";

/** Messages whose content can still be asked for. */
const PARTS_MAX = 200;
/** Of those, files and pictures that are known after a restart as well. */
const REMEMBERED_MAX = 20;

const Remembered = z.array(
  z.object({
    id: z.string(),
    kind: z.enum(["text", "image", "voice", "file", "video", "other"]),
    text: z.string(),
    fileName: z.string(),
    media: z
      .object({ encrypt_query_param: z.string(), aes_key: z.string(), full_url: z.string() })
      .nullable(),
    hexKey: z.string(),
    sentAtMs: z.number(),
  }),
);

export interface PartsOptions {
  readonly memory: AdapterMemory;
  readonly box: SecretBox;
  readonly log: Logger;
  readonly personId: string;
}

/**
 * The last things one person sent. Where the newest files lie, and their keys, survive a restart:
 * a message already in our inbox may be handled only then. The texts themselves are not kept.
 */
export class IlinkParts {
  readonly #options: PartsOptions;
  readonly #parts = new Map<string, IlinkPart>();

  private constructor(options: PartsOptions, remembered: readonly IlinkPart[]) {
    this.#options = options;
    for (const part of remembered) this.#parts.set(part.id, part);
  }

  static async read(options: PartsOptions): Promise<IlinkParts> {
    const sealed = await options.memory.read(keyOf(options.personId));
    return new IlinkParts(options, sealed === null ? [] : open(options.box, sealed));
  }

  find(id: string): IlinkPart | null {
    return this.#parts.get(id) ?? null;
  }

  async add(parts: readonly IlinkPart[]): Promise<void> {
    for (const part of parts) {
      this.#parts.set(part.id, part);
      const oldest = this.#parts.keys().next().value;
      if (this.#parts.size > PARTS_MAX && oldest !== undefined) this.#parts.delete(oldest);
    }
    if (parts.some(({ media }) => media !== null)) await this.#remember();
  }

  async #remember(): Promise<void> {
    const { memory, box, log, personId } = this.#options;
    const files = [...this.#parts.values()].filter(({ media }) => media !== null);
    const sealed = box.seal(JSON.stringify(files.slice(-REMEMBERED_MAX)));
    try {
      await memory.write(keyOf(personId), sealed);
    } catch (error) {
      log.warn({ err: error }, "files of a WeChat message not remembered");
    }
  }
}

function keyOf(personId: string): string {
  return `files:${personId}`;
}

/** Sealed with another key, it says nothing. */
function open(box: SecretBox, sealed: string): readonly IlinkPart[] {
  try {
    return Remembered.parse(JSON.parse(box.open(sealed)));
  } catch {
    return [];
  }
}
