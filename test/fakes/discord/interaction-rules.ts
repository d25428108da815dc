import { DiscordFailure } from "./discord-failure.ts";

const ACKNOWLEDGE_MS = 3_000;
const TOKEN_MS = 15 * 60_000;
const DISCORD_EPOCH_MS = 1_420_070_400_000;
export const ONLY_FOR_YOU = 1 << 6;

/** What Discord insists on with interactions: three seconds, fifteen minutes, and who may see. */
export class InteractionRules {
  readonly #now: () => number;
  readonly #acknowledged = new Set<string>();
  readonly #private = new Set<string>();
  readonly #privateMessages = new Set<string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  acknowledge(id: string, body: { type?: number; data?: { flags?: number } }): void {
    if (this.#now() - createdAtMs(id) > ACKNOWLEDGE_MS) {
      throw new DiscordFailure(404, 10062, "Unknown interaction");
    }
    if (this.#acknowledged.has(id)) {
      throw new DiscordFailure(400, 40060, "Interaction has already been acknowledged.");
    }
    const flags = body.data?.flags ?? 0;
    if (body.type === 5 && (flags & ~ONLY_FOR_YOU) !== 0) {
      throw new DiscordFailure(400, 50035, "Invalid Form Body");
    }
    this.#acknowledged.add(id);
    if ((flags & ONLY_FOR_YOU) !== 0) this.#private.add(id);
  }

  /** The interaction of a token that may be used now. */
  use(token: string): string {
    const id = /(\d{17,19})$/.exec(token)?.[1] ?? "0";
    if (this.#now() - createdAtMs(id) > TOKEN_MS) {
      throw new DiscordFailure(401, 50027, "Invalid Webhook Token");
    }
    if (!this.#acknowledged.has(id)) throw new DiscordFailure(404, 10015, "Unknown Webhook");
    return id;
  }

  /** The flags a message really gets: privacy was settled by the first response. */
  flagsOf(id: string, target: string, wanted: number): number {
    const isPrivate =
      target === "@original" ? this.#private.has(id) : this.#privateMessages.has(target);
    return isPrivate ? wanted | ONLY_FOR_YOU : wanted;
  }

  noteMessage(messageId: string, flags: number): void {
    if ((flags & ONLY_FOR_YOU) !== 0) this.#privateMessages.add(messageId);
  }

  isPrivateMessage(messageId: string): boolean {
    return this.#privateMessages.has(messageId);
  }
}

function createdAtMs(snowflake: string): number {
  return Number(BigInt(snowflake) >> 22n) + DISCORD_EPOCH_MS;
}
