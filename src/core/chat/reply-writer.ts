import { OutsideError } from "../errors.ts";
import type { MessageButton } from "./chat-adapter.ts";
import type { CallPriority } from "./edit-budget.ts";
import { ReplyMessages, type ReplyPlace, type ShownContent } from "./reply-messages.ts";
import { ReplyPreview } from "./reply-preview.ts";
import { splitIntoPieces, splitMarkdown } from "./split-text.ts";
import { countBytes } from "./text-limits.ts";
import { TypingSignal } from "./typing-signal.ts";

/** Where messages cannot be edited an answer comes in at most so many, if it fits. */
const PIECES_MAX = 5;
/** Where sends are counted one is kept: should something go wrong, the person can be told. */
const SENDS_KEPT = 1;
/** Calls for one message before the caller has to try later: after about 15 seconds. */
const TRIES_MAX = 5;
const BACKOFF_MS = 1_000;
/** What is left of a message that is no longer needed and cannot be deleted. */
const NOTHING = "…";

export interface ReplyWriterOptions extends ReplyPlace {
  readonly placeholderText: string;
  /** Ends what is sent when the rest has to wait for the person, and tells them how to get it. */
  readonly restText: string;
  /** Shown under the last message while the answer is written; `null` for none. */
  readonly stopButton: MessageButton | null;
  /** Told of every preview that failed; nothing needs to be done. */
  readonly onPreviewFailed: (error: unknown) => void;
}

export interface FinalReply {
  /** The whole answer in Markdown, with its receipt. */
  readonly text: string;
  /** Shown under the last message. */
  readonly buttons: readonly MessageButton[];
}

/**
 * Shows one growing answer in a chat. Where messages can be edited, a placeholder turns into the
 * text as it grows, and a long one flows over into further messages; elsewhere a typing signal is
 * shown and the finished text comes in a few messages.
 *
 * Previews are lossy, the final text is not: `finish` resolves when exactly that is on the
 * platform. Given the messages an earlier process sent it goes on with those.
 */
export class ReplyWriter {
  readonly #options: ReplyWriterOptions;
  readonly #messages: ReplyMessages;
  readonly #preview: ReplyPreview | null;
  readonly #typing: TypingSignal | null;
  readonly #stop = new AbortController();
  readonly #intervalMs: number;

  constructor(options: ReplyWriterOptions) {
    this.#options = options;
    this.#messages = new ReplyMessages(options);
    const { sender, address, isDirect, budget, clock } = options;
    const { capabilities } = sender;
    const { edit } = capabilities;
    this.#intervalMs = (isDirect ? edit?.directIntervalMsMin : edit?.groupIntervalMsMin) ?? 0;
    this.#preview =
      edit && new ReplyPreview({ ...options, messages: this.#messages, capabilities }, edit);
    this.#typing = edit
      ? null
      : new TypingSignal(sender, { address, isDirect }, budget, clock, options.onPreviewFailed);
  }

  /** Shows that we are at work: a placeholder unless text comes very soon, or a typing signal. */
  showPlaceholder(): void {
    this.#preview?.startPlaceholder();
    this.#typing?.start();
  }

  /** Takes the whole text so far and returns at once. */
  write(textSoFar: string): void {
    this.#preview?.write(textSoFar);
    this.#typing?.start();
  }

  /**
   * Brings the final text to the chat. Resolves with `false` when the platform takes no more until
   * the person writes again: then the last message says so, and finishing the same text once more
   * sends what is missing. Waits out rate limits and tries failed calls
   * again for some seconds, then throws the `OutsideError`; calling it again, or on a new writer
   * with the same messages, goes on where it stopped. A timed-out send may have arrived, so a part
   * can be seen twice but never be missing. Throws "unreachable" when `stop` is called.
   */
  async finish(final: FinalReply): Promise<boolean> {
    await this.#endPreviews();
    const { edit } = this.#options.sender.capabilities;
    const parts = this.#cut(final.text);
    const count = await this.#countSendable(parts.length);
    const contents = parts
      .slice(0, count)
      .map((text, position) => this.#content(text, position, { ...final, parts, count }));
    try {
      for (const [position, priority] of this.#inOrder(contents)) {
        const content = contents[position];
        if (content) await this.#settle(position, content, priority);
      }
    } catch (error) {
      // Something else was sent there meanwhile and took the room.
      if (error instanceof OutsideError && error.kind === "window_closed") return false;
      throw error;
    }
    for (let position = contents.length; edit && position < this.#messages.count; position += 1) {
      await this.#takeAway(position);
    }
    return count === parts.length;
  }

  /** How many of the parts the platform takes now, those already sent among them. */
  async #countSendable(count: number): Promise<number> {
    const { sender, address } = this.#options;
    const { sendsPerMessageMax } = sender.capabilities;
    if (sendsPerMessageMax === null || !sender.sendsLeft) return count;
    if (count <= this.#messages.count) return count;
    const left = (await sender.sendsLeft(address)) - (sendsPerMessageMax === 1 ? 0 : SENDS_KEPT);
    return Math.min(count, this.#messages.count + Math.max(0, left));
  }

  /** Ends everything without sending; resolves once a call already on its way has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#endPreviews();
  }

  async #endPreviews(): Promise<void> {
    await this.#preview?.end();
    await this.#typing?.end();
  }

  #cut(text: string): string[] {
    const { sender, restText } = this.#options;
    const { edit, sendsPerMessageMax, textLengthMax, textBytesMax } = sender.capabilities;
    // The same cuts each time, so the room for the note is always kept free.
    const note = sendsPerMessageMax === null ? "" : `\n\n${restText}`;
    const limits = {
      lengthMax: textLengthMax - note.length,
      bytesMax: textBytesMax === null ? null : textBytesMax - countBytes(note),
    };
    const sendsMax = sendsPerMessageMax ?? Number.POSITIVE_INFINITY;
    const piecesMax = Math.max(1, Math.min(PIECES_MAX, sendsMax - SENDS_KEPT));
    const parts = edit
      ? splitMarkdown(text, limits)
      : splitIntoPieces(text, { ...limits, piecesMax });
    return parts.length === 0 ? [NOTHING] : parts;
  }

  #content(
    text: string,
    position: number,
    final: FinalReply & { readonly parts: readonly string[]; readonly count: number },
  ): ShownContent {
    const { parts, count, buttons } = final;
    const hasButtons = position === parts.length - 1 && this.#options.sender.capabilities.buttons;
    const isCutShort = position === count - 1 && count < parts.length;
    return {
      text: isCutShort ? `${text}\n\n${this.#options.restText}` : text,
      format: "markdown",
      buttons: hasButtons ? buttons : [],
    };
  }

  /**
   * First what nobody has read yet, then messages that text leaves for a new one, so that it never
   * disappears in between, and at last those that only get their formatting.
   */
  #inOrder(contents: readonly ShownContent[]): (readonly [number, CallPriority])[] {
    const unread: number[] = [];
    const leaving: number[] = [];
    const read: number[] = [];
    for (const [position, { text }] of contents.entries()) {
      const shown = this.#messages.contentAt(position)?.text ?? "";
      const isLeaving = shown.length > text.length && !this.#messages.has(position + 1);
      const group = shown === text ? read : isLeaving ? leaving : unread;
      group.push(position);
    }
    return [
      ...[...unread, ...leaving].map((position) => [position, "final"] as const),
      ...read.map((position) => [position, "formatting"] as const),
    ];
  }

  async #settle(position: number, content: ShownContent, priority: CallPriority): Promise<void> {
    const messages = this.#messages;
    if (messages.shows(position, content)) return;
    if (messages.has(position) && !messages.mayEdit(position)) {
      // Too late to change it: a new message is worth it for other words, not for formatting.
      const neverEdits = this.#options.sender.capabilities.edit === null;
      if (neverEdits || messages.contentAt(position)?.text === content.text) return;
    }
    await this.#insist(position, priority, () => messages.show(position, content));
  }

  /** Another worker's answer was shorter, so a message is left over. */
  async #takeAway(position: number): Promise<void> {
    if (!this.#messages.has(position)) return;
    try {
      const isGone = await this.#insist(position, "final", () => this.#messages.remove(position));
      if (isGone || !this.#messages.mayEdit(position)) return;
      await this.#settle(position, { text: NOTHING, format: "plain", buttons: [] }, "final");
    } catch (error) {
      // The answer is there; a message the platform will not take back must not hold it up.
      const mustTell = !(error instanceof OutsideError) || error.retryable;
      if (mustTell || error.kind === "chat_gone") throw error;
    }
  }

  async #insist<T>(position: number, priority: CallPriority, call: () => Promise<T>): Promise<T> {
    const { sender, clock } = this.#options;
    const { signal } = this.#stop;
    for (let tries = 1; ; tries += 1) {
      if (!(await this.#messages.turn(position, priority, this.#intervalMs, signal))) {
        throw new OutsideError(sender.platform, "unreachable");
      }
      try {
        return await call();
      } catch (error) {
        if (!mayTryAgain(error) || tries === TRIES_MAX) throw error;
        // A pause is waited for in the budget, and a message that is gone is sent anew at once.
        const isReady = error.kind === "rate_limited" || error.kind === "message_gone";
        if (!isReady) await clock.sleep(BACKOFF_MS * 2 ** (tries - 1), signal);
      }
    }
  }
}

function mayTryAgain(error: unknown): error is OutsideError {
  return error instanceof OutsideError && (error.retryable || error.kind === "message_gone");
}
