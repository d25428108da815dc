import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { DiscordApi } from "./discord-api.ts";
import { DiscordMessage } from "./discord-payload.ts";

const CHANNELS_MAX = 1_000;
// https://docs.discord.com/developers/resources/message#get-channel-messages
const PAGE_SIZE = 100;
const PAGES_MAX = 5;
const ATTEMPTS_MAX = 3;
const RETRY_MS = 1_000;

const Messages = z.array(z.unknown());

interface KnownChannel {
  lastMessageId: string;
  readonly guildId: string | undefined;
}

/**
 * Fetches what was written while we were away. Discord replays that only for a short absence;
 * after a longer one the channels are asked in which somebody talked to us since this process
 * started. Commands and button presses cannot be asked for.
 */
export class DiscordCatchUp {
  readonly #api: DiscordApi;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #receive: (message: unknown) => void;
  /** The one we heard from longest ago first. */
  readonly #channels = new Map<string, KnownChannel>();

  constructor(
    api: DiscordApi,
    clock: Clock,
    log: Logger,
    /** Gets each message as the gateway would have brought it; those already seen too. */
    receive: (message: unknown) => void,
  ) {
    this.#api = api;
    this.#clock = clock;
    this.#log = log;
    this.#receive = receive;
  }

  /** `isForUs`: somebody talked to us, so the channel is worth asking from now on. */
  sawMessage({ id, channel_id: channel, guild_id: guildId }: DiscordMessage, isForUs: boolean) {
    const known = this.#channels.get(channel);
    if (known === undefined && !isForUs) return;
    this.#channels.delete(channel);
    const lastMessageId =
      known !== undefined && isLater(known.lastMessageId, id) ? known.lastMessageId : id;
    this.#channels.set(channel, { lastMessageId, guildId });
    const [oldest] = this.#channels.keys();
    if (oldest !== undefined && this.#channels.size > CHANNELS_MAX) this.#channels.delete(oldest);
  }

  /** Resolves when all channels were asked; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const channels = [...this.#channels].map(([id, known]) => ({ id, ...known }));
    for (const channel of channels.reverse()) {
      if (signal.aborted) return;
      try {
        await this.#fetch(channel, signal);
      } catch (error) {
        this.#log.warn({ err: error, channel: channel.id }, "missed messages not fetched");
      }
    }
    this.#log.info({ channels: channels.length }, "missed messages fetched");
  }

  async #fetch(
    channel: {
      readonly id: string;
      readonly lastMessageId: string;
      readonly guildId?: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<void> {
    let after = channel.lastMessageId;
    for (let page = 0; page < PAGES_MAX && !signal.aborted; page += 1) {
      const answer = Messages.parse(await this.#call(channel.id, after, signal));
      const messages = answer
        .map((message) => ({ message, id: DiscordMessage.parse(message).id }))
        .sort((a, b) => (isLater(a.id, b.id) ? 1 : -1));
      // REST does not say which guild a message was written in.
      const more = channel.guildId === undefined ? {} : { guild_id: channel.guildId };
      for (const { message } of messages) this.#receive({ ...Object(message), ...more });
      after = messages.at(-1)?.id ?? after;
      if (messages.length < PAGE_SIZE) return;
    }
  }

  async #call(channel: string, after: string, signal: AbortSignal): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const query = { after, limit: String(PAGE_SIZE) };
        return await this.#api.call({
          method: "GET",
          route: `/channels/${channel}/messages`,
          query,
        });
      } catch (error) {
        const mayRetry = error instanceof OutsideError && error.retryable && !signal.aborted;
        if (!mayRetry || attempt >= ATTEMPTS_MAX) throw error;
        await this.#clock.sleep(error.retryAfterMs ?? RETRY_MS * attempt, signal);
      }
    }
  }
}

function isLater(id: string, other: string): boolean {
  return BigInt(id) > BigInt(other);
}
