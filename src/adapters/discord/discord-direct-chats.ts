import { OutsideError } from "../../core/errors.ts";
import type { DiscordApi } from "./discord-api.ts";
import { DiscordRefusal, toOutsideError } from "./discord-errors.ts";
import { sentMessageId } from "./discord-sent.ts";

const REMEMBERED_MAX = 10_000;

/** Knows which direct message channel belongs to whom, and opens it where there is none yet. */
export class DiscordDirectChats {
  readonly #api: DiscordApi;
  readonly #channels = new Map<string, string>();
  readonly #people = new Map<string, string>();

  constructor(api: DiscordApi) {
    this.#api = api;
  }

  learn(userId: string, channel: string): void {
    if (this.#channels.get(userId) === channel) return;
    if (this.#channels.size >= REMEMBERED_MAX) {
      this.#channels.clear();
      this.#people.clear();
    }
    this.#channels.set(userId, channel);
    this.#people.set(channel, userId);
  }

  /** Whose channel it is; `null` when it is no direct one, or none we have met. */
  personOf(channel: string): string | null {
    return this.#people.get(channel) ?? null;
  }

  /** `null` when this person cannot be written to. Throws `OutsideError` when nobody knows. */
  async open(userId: string): Promise<string | null> {
    const known = this.#channels.get(userId);
    if (known !== undefined) return known;
    try {
      const body = { recipient_id: userId };
      const channel = sentMessageId(
        await this.#api.call({ method: "POST", route: "/users/@me/channels", body }),
      );
      this.learn(userId, channel);
      return channel;
    } catch (error) {
      const outside = toOutsideError(error);
      const isFinal =
        error instanceof DiscordRefusal &&
        outside instanceof OutsideError &&
        (outside.kind === "chat_gone" || outside.kind === "rejected");
      if (isFinal) return null;
      throw outside;
    }
  }
}
