import { z } from "zod";
import type { AdapterMemory } from "../../../core/chat/adapter-memory.ts";
import type { Clock } from "../../../core/clock.ts";
import { OutsideError } from "../../../core/errors.ts";
import type { SecretBox } from "../../../core/upstream/secret-box.ts";
import { WECHAT } from "../wechat-errors.ts";
import { REPLY_WINDOW_MS, SENDS_PER_MESSAGE_MAX } from "./ilink-capabilities.ts";
import { WindowClosedError } from "./ilink-errors.ts";

/** How many of the person's last messages are recognized when they come again. */
const KNOWN_MESSAGES_MAX = 100;

const Stored = z.object({
  messageIds: z.array(z.string()),
  writtenAtMs: z.number(),
  contextToken: z.string(),
  sent: z.number(),
});
type Stored = z.infer<typeof Stored>;

const NOTHING: Stored = { messageIds: [], writtenAtMs: 0, contextToken: "", sent: 0 };

export interface AllowanceOptions {
  readonly memory: AdapterMemory;
  readonly box: SecretBox;
  readonly clock: Clock;
  readonly personId: string;
}

/**
 * How much one person may still be sent: a few messages for each of theirs, within a day of it.
 * Every message is counted before it goes out, and the count survives a restart. A message of the
 * person that comes a second time gives nothing.
 */
export class SendAllowance {
  readonly #options: AllowanceOptions;
  #stored: Stored;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(options: AllowanceOptions, stored: Stored) {
    this.#options = options;
    this.#stored = stored;
  }

  static async read(options: AllowanceOptions): Promise<SendAllowance> {
    const sealed = await options.memory.read(keyOf(options.personId));
    return new SendAllowance(options, sealed === null ? NOTHING : open(options.box, sealed));
  }

  /** Whether this person ever had a bot of ours. */
  static async isRemembered(memory: AdapterMemory, personId: string): Promise<boolean> {
    return (await memory.read(keyOf(personId))) !== null;
  }

  get left(): number {
    const { contextToken, writtenAtMs, sent } = this.#stored;
    const ageMs = this.#options.clock.now().getTime() - writtenAtMs;
    if (contextToken === "" || ageMs >= REPLY_WINDOW_MS) return 0;
    return Math.max(0, SENDS_PER_MESSAGE_MAX - sent);
  }

  /** What came with the person's last message; "" before they ever wrote. */
  get contextToken(): string {
    return this.#stored.contextToken;
  }

  /** The person wrote. Throws what the memory throws. */
  async renew(messageId: string, sentAtMs: number, contextToken: string): Promise<void> {
    const { messageIds, ...last } = this.#stored;
    if (messageIds.includes(messageId)) return;
    const nowMs = this.#options.clock.now().getTime();
    // The day began when they wrote, though we may have been away since.
    const writtenAtMs = sentAtMs > 0 ? Math.min(sentAtMs, nowMs) : nowMs;
    await this.#write({
      messageIds: [...messageIds, messageId].slice(-KNOWN_MESSAGES_MAX),
      writtenAtMs: Math.max(writtenAtMs, last.writtenAtMs),
      contextToken: contextToken === "" ? last.contextToken : contextToken,
      sent: 0,
    });
  }

  /** Counts one message. Throws `WindowClosedError` when there is none left. */
  async take(): Promise<void> {
    if (this.left === 0) throw new WindowClosedError();
    try {
      await this.#write({ ...this.#stored, sent: this.#stored.sent + 1 });
    } catch (cause) {
      // Not counted is not sent.
      throw new OutsideError(WECHAT, "unreachable", { cause });
    }
  }

  /** One that was counted never went out. */
  async giveBack(): Promise<void> {
    const { sent } = this.#stored;
    if (sent > 0) await this.#write({ ...this.#stored, sent: sent - 1 });
  }

  /** iLink wants no more before the person writes. */
  async spend(): Promise<void> {
    await this.#write({ ...this.#stored, sent: SENDS_PER_MESSAGE_MAX });
  }

  /** A new login knows no conversation: nothing may be sent before the person writes. */
  async forgetConversation(): Promise<void> {
    await this.#write({ ...this.#stored, contextToken: "" });
  }

  async #write(stored: Stored): Promise<void> {
    const { memory, box, personId } = this.#options;
    const before = this.#stored;
    // At once, so that nobody counts with the old number meanwhile.
    this.#stored = stored;
    const sealed = box.seal(JSON.stringify(stored));
    const written = this.#writing.then(() => memory.write(keyOf(personId), sealed));
    this.#writing = written.catch(() => {});
    try {
      await written;
    } catch (error) {
      if (this.#stored === stored) this.#stored = before;
      throw error;
    }
  }
}

function keyOf(personId: string): string {
  return `allowance:${personId}`;
}

/** Sealed with another key, it says nothing: then the person writes first. */
function open(box: SecretBox, sealed: string): Stored {
  try {
    return Stored.parse(JSON.parse(box.open(sealed)));
  } catch {
    return NOTHING;
  }
}
