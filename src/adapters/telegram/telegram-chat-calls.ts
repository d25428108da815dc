import type { RawApi } from "grammy";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import { OutsideError } from "../../core/errors.ts";
import {
  type ApiSignal,
  TELEGRAM,
  type TelegramApi,
  TelegramRefusal,
  toOutsideError,
} from "./telegram-api.ts";

/** A group may have moved, and its topic may be gone. */
const TARGETS_MAX = 3;
const MOVED_CHATS_MAX = 1_000;

const THREAD_GONE = /message thread not found|TOPIC_DELETED/i;
const UNREACHABLE = /bot was blocked by the user|user is deactivated/i;

/** What calls to a chat may find out on the way. */
export interface ChatNews {
  onUnreachable(platformUserId: string): void;
  onMoved(from: ChatAddress, to: ChatAddress): Promise<void>;
}

/** A chat as the Bot API names it. */
export interface Target {
  readonly chat_id: number | string;
  readonly message_thread_id?: number;
}

export type ChatCall<T> = (target: Target, raw: RawApi, signal: ApiSignal) => Promise<T>;

/**
 * Calls that concern one chat. Groups are followed to their new id; a topic that is gone is left
 * for the chat itself. Throws `TelegramRefusal` or `OutsideError`.
 */
export class TelegramChatCalls {
  readonly #api: TelegramApi;
  readonly #news: ChatNews;
  readonly #movedTo = new Map<string, string>();

  constructor(api: TelegramApi, news: ChatNews) {
    this.#api = api;
    this.#news = news;
  }

  /** Returns also where the chat really is. */
  async toChat<T>(
    to: ChatAddress,
    call: ChatCall<T>,
    timeoutMs?: number,
  ): Promise<{ readonly result: T; readonly address: ChatAddress }> {
    let address = { ...to, channel: this.#movedTo.get(to.channel) ?? to.channel };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return { result: await this.#call(address, call, timeoutMs), address };
      } catch (error) {
        const next = attempt < TARGETS_MAX ? await this.#elsewhere(address, error) : null;
        if (next === null) throw error;
        address = next;
      }
    }
  }

  /** For a message that exists: its number means another message in a group that has moved. */
  async toMessage<T>(address: ChatAddress, call: ChatCall<T>): Promise<T> {
    try {
      return await this.#call({ ...address, thread: null }, call);
    } catch (error) {
      const elsewhere = await this.#elsewhere({ ...address, thread: null }, error);
      if (elsewhere === null) throw error;
      throw new OutsideError(TELEGRAM, "message_gone", { cause: error });
    }
  }

  /** Runs what sends, and gives its errors the form in which the core knows them. */
  async guarded<T>(to: ChatAddress, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      // A private chat has the id of its person, groups have negative ones.
      const isPrivate = !to.channel.startsWith("-");
      if (isPrivate && isRefusal(error, UNREACHABLE)) this.#news.onUnreachable(to.channel);
      throw toOutsideError(error);
    }
  }

  #call<T>(address: ChatAddress, call: ChatCall<T>, timeoutMs?: number): Promise<T> {
    return this.#api.call(
      (raw, signal) => call(targetOf(address), raw, signal),
      timeoutMs === undefined ? {} : { timeoutMs },
    );
  }

  async #elsewhere(from: ChatAddress, error: unknown): Promise<ChatAddress | null> {
    if (!(error instanceof TelegramRefusal)) return null;
    if (error.migratedTo === null) {
      const isThreadGone = from.thread !== null && THREAD_GONE.test(error.description);
      return isThreadGone ? { ...from, thread: null } : null;
    }
    const to = { ...from, channel: error.migratedTo };
    if (this.#movedTo.get(from.channel) !== to.channel) {
      if (this.#movedTo.size >= MOVED_CHATS_MAX) this.#movedTo.clear();
      this.#movedTo.set(from.channel, to.channel);
      await this.#news.onMoved({ ...from, thread: null }, { ...to, thread: null });
    }
    return to;
  }
}

export function targetOf({ channel, thread }: ChatAddress): Target {
  const chatId = /^-?\d+$/.test(channel) ? Number(channel) : channel;
  return { chat_id: chatId, ...(thread !== null && { message_thread_id: Number(thread) }) };
}

export function isRefusal(error: unknown, description: RegExp): boolean {
  return error instanceof TelegramRefusal && description.test(error.description);
}
