import type {
  ChatCapabilities,
  ChatSender,
  OutgoingFile,
  OutgoingMessage,
  SentMessage,
} from "../../src/core/chat/chat-adapter.ts";
import { type ChatAddress, chatKey } from "../../src/core/chat/chat-address.ts";
import type { Sender } from "../../src/core/chat/incoming-message.ts";
import type { Clock } from "../../src/core/clock.ts";
import { OutsideError, type OutsideErrorKind } from "../../src/core/errors.ts";
import { FakeBucket } from "./fake-bucket.ts";
import { FAKE_CAPABILITIES } from "./fake-capabilities.ts";

export type FakeCallKind = "send" | "edit" | "sendFile" | "showTyping" | "deleteMessage";

/** One request as the platform got it, refused or not. */
export interface FakeCall {
  readonly kind: FakeCallKind;
  /** By the clock that was given; 0 without one. */
  readonly atMs: number;
  readonly address: ChatAddress;
  /** `null` for calls that carry no text. */
  readonly text: string | null;
  refused: OutsideErrorKind | null;
}

/** A message of the bot as a person sees it. */
export interface FakeMessage extends OutgoingMessage {
  readonly id: string;
  readonly address: ChatAddress;
  readonly sentAtMs: number;
}

interface Failure {
  readonly kind: OutsideErrorKind;
  readonly retryAfterMs: number | undefined;
  readonly on: FakeCallKind | null;
  /** The call arrives all the same: only its answer was lost. */
  readonly arrives: boolean;
}

/**
 * A chat platform in memory, as strict as a real one: it refuses what is empty, too long or gone
 * and, given a clock, what comes faster than its pace. `messages` is what a person would see.
 */
export class FakeChat implements ChatSender {
  readonly platform = "fake";
  readonly bot = "bot";
  readonly capabilities: ChatCapabilities;
  /** Channels with a group's pace; all others are private chats. */
  readonly groups = new Set<string>();
  readonly calls: FakeCall[] = [];
  readonly files: { readonly address: ChatAddress; readonly file: OutgoingFile }[] = [];
  /** Ids of messages that were deleted, the bot's own and people's. */
  readonly deleted: string[] = [];
  /** Whether messages can be deleted. */
  mayDelete = true;
  /** How long a call takes to arrive, by the clock that was given. */
  latencyMs = 0;
  /** Edits that went through. */
  edits = 0;
  /** Edits that changed nothing. */
  editsInVain = 0;
  typings = 0;
  /** Messages sent since the person wrote; counted where the platform does. */
  #sentSince = 0;
  readonly #clock: Clock | null;
  readonly #shown = new Map<string, FakeMessage>();
  readonly #failures: Failure[] = [];
  readonly #gone = new Set<string>();
  readonly #buckets = new Map<string, FakeBucket>();
  readonly #touchedAtMs = new Map<string, number>();
  #sent = 0;

  constructor(capabilities: Partial<ChatCapabilities> = {}, clock?: Clock) {
    this.capabilities = { ...FAKE_CAPABILITIES, ...capabilities };
    this.#clock = clock ?? null;
  }

  /** The texts on the screen, in the order the messages were sent. */
  get messages(): string[] {
    return this.shown.map((message) => message.text);
  }

  get shown(): FakeMessage[] {
    return [...this.#shown.values()];
  }

  /** The texts in one chat. */
  messagesIn(address: ChatAddress): string[] {
    const key = chatKey(address);
    return this.shown.filter((shown) => chatKey(shown.address) === key).map(({ text }) => text);
  }

  /** How many calls the platform refused as too fast. */
  get rateLimited(): number {
    return this.calls.filter((call) => call.refused === "rate_limited").length;
  }

  /** Makes the next call fail, or the next `times` calls, or the next of one kind. */
  failNext(
    kind: OutsideErrorKind,
    options: {
      readonly times?: number;
      readonly on?: FakeCallKind;
      readonly retryAfterMs?: number;
      readonly arrives?: boolean;
    } = {},
  ): void {
    for (let time = 0; time < (options.times ?? 1); time += 1) {
      this.#failures.push({
        kind,
        retryAfterMs: options.retryAfterMs,
        on: options.on ?? null,
        arrives: options.arrives ?? false,
      });
    }
  }

  /** Takes back what was asked of `failNext` and has not happened. */
  clearFailures(): void {
    this.#failures.length = 0;
  }

  textOf(id: string): string | undefined {
    return this.#shown.get(id)?.text;
  }

  /** The person deletes a message of the bot. */
  removeMessage(id: string): void {
    this.#shown.delete(id);
  }

  /** The person writes, so as many messages as the platform allows may be sent again. */
  personWrites(): void {
    this.#sentSince = 0;
  }

  async sendsLeft(): Promise<number> {
    return Math.max(0, (this.capabilities.sendsPerMessageMax ?? 0) - this.#sentSince);
  }

  /** The person blocks the bot, or the bot is thrown out. */
  closeChat(address: ChatAddress): void {
    this.#gone.add(chatKey(address));
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    return this.#call("send", to, message.text, () => {
      this.#check(message);
      const { sendsPerMessageMax } = this.capabilities;
      if (sendsPerMessageMax !== null && this.#sentSince >= sendsPerMessageMax)
        throw new OutsideError("fake", "window_closed");
      this.#sentSince += 1;
      this.#sent += 1;
      const id = String(this.#sent);
      this.#shown.set(id, { ...message, id, address: to, sentAtMs: this.#nowMs() });
      this.#touchedAtMs.set(id, this.#nowMs());
      return { address: to, id };
    });
  }

  async edit({ address, id }: SentMessage, content: OutgoingMessage): Promise<void> {
    const { edit } = this.capabilities;
    if (edit === null) throw new Error("A message was edited where none can be.");
    await this.#call("edit", address, content.text, () => {
      const shown = this.#shown.get(id);
      if (shown === undefined) throw new OutsideError("fake", "message_gone");
      const ageMs = this.#nowMs() - shown.sentAtMs;
      if (edit.windowMs !== null && ageMs > edit.windowMs)
        throw new OutsideError("fake", "message_gone");
      this.#check(content);
      this.#checkInterval(
        id,
        this.groups.has(address.channel) ? edit.groupIntervalMsMin : edit.directIntervalMsMin,
      );
      this.edits += 1;
      if (isSame(shown, content)) this.editsInVain += 1;
      this.#shown.set(id, { ...shown, ...content, replyTo: shown.replyTo });
    });
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    return this.#call("sendFile", to, file.caption, () => {
      this.files.push({ address: to, file });
      this.#sent += 1;
      return { address: to, id: String(this.#sent) };
    });
  }

  async showTyping(to: ChatAddress): Promise<void> {
    if (this.capabilities.typingMs === null) throw new Error("There is no typing indicator here.");
    await this.#call("showTyping", to, null, () => {
      this.typings += 1;
    });
  }

  async deleteMessage(address: ChatAddress, messageId: string): Promise<boolean> {
    return this.#call("deleteMessage", address, null, () => {
      if (!this.mayDelete) return false;
      this.#shown.delete(messageId);
      this.deleted.push(messageId);
      return true;
    });
  }

  async openDirectChat(sender: Sender): Promise<ChatAddress | null> {
    return { platform: this.platform, bot: this.bot, channel: sender.platformUserId, thread: null };
  }

  async #call<T>(
    kind: FakeCallKind,
    address: ChatAddress,
    text: string | null,
    run: () => T,
  ): Promise<T> {
    const call: FakeCall = { kind, atMs: this.#nowMs(), address, text, refused: null };
    this.calls.push(call);
    await (this.latencyMs > 0 ? this.#clock?.sleep(this.latencyMs) : Promise.resolve());
    try {
      if (this.#gone.has(chatKey(address))) throw new OutsideError("fake", "chat_gone");
      const index = this.#failures.findIndex(({ on }) => on === null || on === kind);
      const [failure] = index === -1 ? [] : this.#failures.splice(index, 1);
      if (failure?.arrives) run();
      if (failure)
        throw new OutsideError("fake", failure.kind, { retryAfterMs: failure.retryAfterMs });
      this.#checkPace(address);
      return run();
    } catch (error) {
      if (error instanceof OutsideError) call.refused = error.kind;
      throw error;
    }
  }

  #check(message: OutgoingMessage): void {
    const { textLengthMax, textBytesMax, buttons } = this.capabilities;
    const isTooLong =
      message.text.length > textLengthMax ||
      (textBytesMax !== null && Buffer.byteLength(message.text) > textBytesMax);
    if (isTooLong || message.text.trim() === "") throw new OutsideError("fake", "rejected");
    if (/[\ud800-\udbff]$|^[\udc00-\udfff]/.test(message.text))
      throw new OutsideError("fake", "rejected");
    if (!buttons && message.buttons.length > 0) throw new Error("There are no buttons here.");
  }

  #checkInterval(id: string, intervalMs: number): void {
    if (this.#clock === null) return;
    const waitMs = (this.#touchedAtMs.get(id) ?? 0) + intervalMs - this.#nowMs();
    if (waitMs > 0) throw new OutsideError("fake", "rate_limited", { retryAfterMs: waitMs });
    this.#touchedAtMs.set(id, this.#nowMs());
  }

  #checkPace({ channel }: ChatAddress): void {
    if (this.#clock === null) return;
    const { direct, group } = this.capabilities.pace;
    const bucket =
      this.#buckets.get(channel) ?? new FakeBucket(this.groups.has(channel) ? group : direct);
    this.#buckets.set(channel, bucket);
    const waitMs = bucket.take(this.#nowMs());
    if (waitMs > 0) throw new OutsideError("fake", "rate_limited", { retryAfterMs: waitMs });
  }

  #nowMs(): number {
    return this.#clock?.now().getTime() ?? 0;
  }
}

function isSame(shown: OutgoingMessage, content: OutgoingMessage): boolean {
  return (
    shown.text === content.text &&
    shown.format === content.format &&
    JSON.stringify(shown.buttons) === JSON.stringify(content.buttons)
  );
}
