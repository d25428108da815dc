import type { SentMessage } from "../../core/chat/chat-adapter.ts";
import type {
  WebMessage,
  WebMessageContent,
  WebMessageStore,
} from "../../core/chat/web-message-store.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import { createId } from "../../core/ids.ts";
import type { Logger } from "../../core/log.ts";
import type { WebEvents } from "./web-events.ts";

/** Tabs are told of edits of one message no more often than this. */
const SHOW_INTERVAL_MS = 40;
/** A growing text is written to the store at the latest this long after it changed. */
const SAVE_DELAY_MS = 1000;
/** Growing messages kept in memory; beyond that the oldest is sent whole at its next edit. */
const LIVE_MESSAGES_MAX = 2000;

/** What a page is told of an edit: `text` replaces everything from `from` on. */
export interface MessageEdit extends WebMessageContent {
  readonly id: string;
  /** In UTF-16 code units. */
  readonly from: number;
}

/** A message that still grows: what it says, what the tabs know, what the store knows. */
interface LiveMessage {
  readonly channel: string;
  readonly id: string;
  content: WebMessageContent;
  shown: WebMessageContent | null;
  shownAtMs: number;
  saved: WebMessageContent | null;
  isShowing: boolean;
  isWaitingToSave: boolean;
  /** Writes of one message go one after the other, or an old text could end on top. */
  saving: Promise<void>;
}

/**
 * The messages of all channels: kept in the store and shown in the open tabs. A growing answer is
 * edited many times a second: its previews live in memory, the store follows once a second, and a
 * final text is in the store when its edit resolves.
 */
export class WebTranscript {
  readonly #store: WebMessageStore;
  readonly #events: WebEvents;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stopping: AbortSignal;
  readonly #live = new Map<string, LiveMessage>();
  #lastIdMs = 0;

  constructor(options: {
    readonly store: WebMessageStore;
    readonly events: WebEvents;
    readonly clock: Clock;
    readonly log: Logger;
    readonly stopping: AbortSignal;
  }) {
    this.#store = options.store;
    this.#events = options.events;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#stopping = options.stopping;
  }

  /** An id that sorts after every other this process has given or seen. */
  createMessageId(): string {
    this.#lastIdMs = Math.max(this.#clock.now().getTime(), this.#lastIdMs + 1);
    return createId(new Date(this.#lastIdMs));
  }

  /** `false` when it was there already; then the tabs are told nothing. */
  async append(message: WebMessage): Promise<boolean> {
    this.#lastIdMs = Math.max(this.#lastIdMs, idTimeMs(message.id));
    const isNew = await this.#outside(this.#store.append(message));
    if (!isNew) return false;
    this.#events.publish(message.channel, { name: "message", data: message });
    if (isPreview(message)) this.#follow(message.channel, message.id, message, message);
    return true;
  }

  async edit(sent: SentMessage, content: WebMessageContent): Promise<void> {
    const { channel } = sent.address;
    const live = this.#live.get(sent.id) ?? this.#follow(channel, sent.id, content, null);
    live.content = { ...content, replyId: content.replyId ?? live.content.replyId };
    if (isPreview(content)) {
      void this.#showSoon(live);
      void this.#saveSoon(live);
      return;
    }
    this.#show(live);
    await this.#save(live);
    if (!isPreview(live.content)) this.#live.delete(live.id);
  }

  async remove(channel: string, id: string): Promise<boolean> {
    await this.#live.get(id)?.saving;
    this.#live.delete(id);
    const wasThere = await this.#outside(this.#store.delete(channel, id));
    this.#events.publish(channel, { name: "delete", data: { id } });
    return wasThere;
  }

  /** As the store has them, with what still grows as it stands. */
  async list(channel: string, limit: number, beforeId: string | null): Promise<WebMessage[]> {
    const messages = await this.#store.list(channel, limit, beforeId);
    return messages.map((message) => ({ ...message, ...this.#live.get(message.id)?.content }));
  }

  /** Writes down what is not yet in the store. */
  async flush(): Promise<void> {
    for (const live of this.#live.values()) {
      await this.#save(live).catch((err) => this.#logUnsaved(err));
    }
  }

  #follow(
    channel: string,
    id: string,
    content: WebMessageContent,
    shown: WebMessageContent | null,
  ): LiveMessage {
    const live: LiveMessage = {
      channel,
      id,
      content: contentOf(content),
      shown: shown === null ? null : contentOf(shown),
      shownAtMs: 0,
      saved: shown === null ? null : contentOf(shown),
      isShowing: false,
      isWaitingToSave: false,
      saving: Promise.resolve(),
    };
    this.#live.set(id, live);
    const [oldest] = this.#live.values();
    if (this.#live.size > LIVE_MESSAGES_MAX && oldest !== undefined) this.#live.delete(oldest.id);
    return live;
  }

  async #showSoon(live: LiveMessage): Promise<void> {
    if (live.isShowing) return;
    live.isShowing = true;
    const waitMs = live.shownAtMs + SHOW_INTERVAL_MS - this.#clock.now().getTime();
    if (waitMs > 0) await this.#clock.sleep(waitMs, this.#stopping);
    live.isShowing = false;
    if (this.#live.get(live.id) === live) this.#show(live);
  }

  #show(live: LiveMessage): void {
    if (live.shown !== null && isSameContent(live.shown, live.content)) return;
    const { content, shown } = live;
    const from = shown === null ? 0 : commonLength(shown.text, content.text);
    const edit: MessageEdit = { id: live.id, from, ...content, text: content.text.slice(from) };
    live.shown = content;
    live.shownAtMs = this.#clock.now().getTime();
    this.#events.publish(live.channel, { name: "edit", data: edit });
  }

  async #saveSoon(live: LiveMessage): Promise<void> {
    if (live.isWaitingToSave) return;
    live.isWaitingToSave = true;
    await this.#clock.sleep(SAVE_DELAY_MS, this.#stopping);
    live.isWaitingToSave = false;
    if (this.#live.get(live.id) !== live) return;
    await this.#save(live).catch((err) => this.#logUnsaved(err));
  }

  async #save(live: LiveMessage): Promise<void> {
    const saving = live.saving.then(async () => {
      const { content } = live;
      if (live.saved !== null && isSameContent(live.saved, content)) return;
      const at = this.#clock.now();
      const isThere = await this.#outside(this.#store.update(live.channel, live.id, content, at));
      if (!isThere) {
        this.#live.delete(live.id);
        throw new OutsideError("web", "message_gone");
      }
      live.saved = content;
    });
    live.saving = saving.catch(() => {});
    await saving;
  }

  /** What the store throws becomes an error that the core may retry. */
  async #outside<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (cause) {
      throw new OutsideError("web", "unreachable", { cause });
    }
  }

  #logUnsaved(err: unknown): void {
    this.#log.warn({ err }, "a growing web message was not saved");
  }
}

/** Milliseconds since 1970 as a UUID of version 7 carries them. */
export function idTimeMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** A text that will still grow: everything else is final. */
function isPreview(content: WebMessageContent): boolean {
  return content.format === "plain" && content.buttons.some((button) => button.action === "stop");
}

function contentOf({ text, format, buttons, replyId }: WebMessageContent): WebMessageContent {
  return { text, format, buttons, replyId };
}

function isSameContent(left: WebMessageContent, right: WebMessageContent): boolean {
  return (
    left.text === right.text &&
    left.format === right.format &&
    left.replyId === right.replyId &&
    JSON.stringify(left.buttons) === JSON.stringify(right.buttons)
  );
}

function commonLength(left: string, right: string): number {
  if (right.startsWith(left)) return left.length;
  const lengthMax = Math.min(left.length, right.length);
  let length = 0;
  while (length < lengthMax && left[length] === right[length]) length += 1;
  return length;
}
