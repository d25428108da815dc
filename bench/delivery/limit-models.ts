/** One call as a platform sees it arrive. */
export interface ArrivingCall {
  readonly kind: "message" | "edit" | "typing";
  readonly channel: string;
  readonly isGroup: boolean;
  readonly atMs: number;
}

/**
 * When a platform refuses a call as too fast. These models say what is known of the platforms and
 * share no code with our own budget, so that they can prove it wrong.
 */
export interface LimitModel {
  /** `null` lets the call through; else how long the platform says to wait. */
  admit(call: ArrivingCall): number | null;
}

/** At most `callsMax` calls in any `windowMs`, counted exactly. */
class SlidingWindow {
  readonly #callsMax: number;
  readonly #windowMs: number;
  readonly #times: number[] = [];

  constructor(callsMax: number, windowMs: number) {
    this.#callsMax = callsMax;
    this.#windowMs = windowMs;
  }

  /** How long until one more call is allowed. */
  waitMs(nowMs: number): number {
    const oldest = this.#times.at(-this.#callsMax);
    return oldest === undefined ? 0 : Math.max(0, oldest + this.#windowMs - nowMs);
  }

  count(nowMs: number): void {
    this.#times.push(nowMs);
    if (this.#times.length > 2 * this.#callsMax) this.#times.splice(0, this.#callsMax);
  }
}

/** One call a second after a burst of five. */
class PrivateChat {
  #allowance = 5;
  #seenAtMs = Number.NEGATIVE_INFINITY;

  waitMs(nowMs: number): number {
    this.#allowance = Math.min(5, this.#allowance + (nowMs - this.#seenAtMs) / 1000);
    this.#seenAtMs = nowMs;
    return this.#allowance >= 1 ? 0 : (1 - this.#allowance) * 1000;
  }

  count(): void {
    this.#allowance -= 1;
  }
}

function inMap<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}

/**
 * Telegram: a call a second in a private chat after a burst of five, 20 a minute in a group, edits
 * and chat actions included. Replies are not bound to the 30 messages a second for broadcasts. A
 * refusal blocks the chat, and every call made meanwhile blocks it for five seconds more, as the
 * waits of 33 to 137 seconds that people report suggest.
 * https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
 * https://grammy.dev/advanced/flood
 */
export class TelegramModel implements LimitModel {
  readonly #chats = new Map<string, PrivateChat | SlidingWindow>();
  readonly #blockedUntilMs = new Map<string, number>();

  admit({ channel, isGroup, atMs }: ArrivingCall): number | null {
    const blockedUntilMs = this.#blockedUntilMs.get(channel) ?? 0;
    if (atMs < blockedUntilMs) {
      this.#blockedUntilMs.set(channel, blockedUntilMs + 5000);
      return blockedUntilMs + 5000 - atMs;
    }
    const chat = inMap(this.#chats, channel, () =>
      isGroup ? new SlidingWindow(20, 60_000) : new PrivateChat(),
    );
    const waitMs = chat.waitMs(atMs);
    if (waitMs === 0) {
      chat.count(atMs);
      return null;
    }
    // Telegram speaks of whole seconds.
    const retryAfterMs = Math.ceil(waitMs / 1000) * 1000;
    this.#blockedUntilMs.set(channel, atMs + retryAfterMs);
    return retryAfterMs;
  }
}

/**
 * Discord: five calls in five seconds in a channel, sends and edits together, and fifty a second
 * for the whole bot.
 * https://docs.discord.com/developers/topics/rate-limits
 * https://github.com/discord/discord-api-docs/issues/20
 */
export class DiscordModel implements LimitModel {
  readonly #channels = new Map<string, SlidingWindow>();
  readonly #bot = new SlidingWindow(50, 1000);

  admit({ channel, atMs }: ArrivingCall): number | null {
    const window = inMap(this.#channels, channel, () => new SlidingWindow(5, 5000));
    const waitMs = Math.max(window.waitMs(atMs), this.#bot.waitMs(atMs));
    if (waitMs > 0) return waitMs;
    window.count(atMs);
    this.#bot.count(atMs);
    return null;
  }
}

/**
 * WeChat's iLink: ten messages for one of the person's, and three within a second are refused; who
 * tries again while refused is refused for longer. Nothing can be edited.
 * https://github.com/Tencent/openclaw-weixin/issues
 */
export class IlinkModel implements LimitModel {
  readonly #people = new Map<string, { count: number; recent: SlidingWindow; blockedMs: number }>();
  readonly #blockedUntilMs = new Map<string, number>();

  admit({ kind, channel, atMs }: ArrivingCall): number | null {
    if (kind === "typing") return null;
    const person = inMap(this.#people, channel, () => ({
      count: 0,
      recent: new SlidingWindow(2, 1000),
      blockedMs: 60_000,
    }));
    const isBlocked = atMs < (this.#blockedUntilMs.get(channel) ?? 0);
    if (isBlocked || person.count === 10 || person.recent.waitMs(atMs) > 0) {
      this.#blockedUntilMs.set(channel, atMs + person.blockedMs);
      person.blockedMs *= 2;
      return person.blockedMs;
    }
    person.count += 1;
    person.recent.count(atMs);
    return null;
  }
}
