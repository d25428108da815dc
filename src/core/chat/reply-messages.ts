import type { Clock } from "../clock.ts";
import { OutsideError } from "../errors.ts";
import type { ChatSender, MessageButton, SentMessage } from "./chat-adapter.ts";
import type { ChatAddress } from "./chat-address.ts";
import type { CallPriority, EditBudget } from "./edit-budget.ts";

/** How long a chat is left alone when the platform does not say for how long. */
const PAUSE_MS = 5_000;

export interface ReplyPlace {
  readonly sender: ChatSender;
  readonly address: ChatAddress;
  readonly isDirect: boolean;
  readonly budget: EditBudget;
  readonly clock: Clock;
  /** The person's message that is answered; `null` for none. */
  readonly replyTo: string | null;
  /** Messages an earlier process sent for this reply, in order. */
  readonly existing: readonly SentMessage[];
  /** Called after each new message, before any other call; what it throws is thrown on. */
  readonly onSent: (position: number, message: SentMessage) => Promise<void>;
}

/** What one message of a reply shows. */
export interface ShownContent {
  readonly text: string;
  readonly format: "plain" | "markdown";
  readonly buttons: readonly MessageButton[];
  /** More edits will follow. */
  readonly isDraft?: true;
}

interface ReplyMessage {
  readonly sent: SentMessage;
  /** `null` when an earlier process wrote it and nobody knows. */
  content: ShownContent | null;
  /** `null` when an earlier process sent it. */
  readonly sentAtMs: number | null;
  touchedAtMs: number;
  isSaved: boolean;
}

/**
 * The messages of one reply as they stand on the platform. Makes one call at a time and remembers
 * what came of it; a refusal for speed pauses the chat for everybody.
 */
export class ReplyMessages {
  readonly #place: ReplyPlace;
  readonly #messages: (ReplyMessage | null)[];
  #address: ChatAddress;

  constructor(place: ReplyPlace) {
    this.#place = place;
    this.#address = place.existing.at(-1)?.address ?? place.address;
    this.#messages = place.existing.map((sent) => ({
      sent,
      content: null,
      sentAtMs: null,
      touchedAtMs: Number.NEGATIVE_INFINITY,
      isSaved: true,
    }));
  }

  get address(): ChatAddress {
    return this.#address;
  }

  /** One more than the highest position that was ever sent. */
  get count(): number {
    return this.#messages.length;
  }

  has(position: number): boolean {
    return Boolean(this.#messages[position]);
  }

  /** `null` when there is no such message, or none that we know the content of. */
  contentAt(position: number): ShownContent | null {
    return this.#messages[position]?.content ?? null;
  }

  shows(position: number, content: ShownContent): boolean {
    const shown = this.contentAt(position);
    return (
      shown !== null &&
      shown.text === content.text &&
      shown.format === content.format &&
      haveSameButtons(shown.buttons, content.buttons)
    );
  }

  mayEdit(position: number): boolean {
    const message = this.#messages[position];
    return message ? this.#mayEdit(message) : false;
  }

  /** Waits until the message may be sent or edited, at least `spacingMs` after its last call. */
  turn(
    position: number,
    priority: CallPriority,
    spacingMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { budget, isDirect } = this.#place;
    const touchedAtMs = this.#messages[position]?.touchedAtMs ?? Number.NEGATIVE_INFINITY;
    const waitMs = Math.min(spacingMs, Math.max(0, touchedAtMs + spacingMs - this.#nowMs()));
    return budget.turn({ address: this.#address, isDirect }, priority, signal, waitMs);
  }

  /**
   * Edits the message, or sends it where there is none, where it is gone and where it can no
   * longer be edited. Throws `OutsideError`; after "message_gone" the next try sends it anew.
   */
  async show(position: number, content: ShownContent): Promise<void> {
    await this.#saveAll();
    const message = this.#messages[position];
    if (!message || !this.#mayEdit(message)) return this.#send(position, content);
    message.touchedAtMs = this.#nowMs();
    try {
      await this.#call((sender) => sender.edit(message.sent, { ...content, replyTo: null }));
      message.content = content;
    } catch (error) {
      if (isKind(error, "message_gone")) this.#messages[position] = null;
      throw error;
    }
  }

  /** `false` when the platform does not permit it. */
  async remove(position: number): Promise<boolean> {
    const message = this.#messages[position];
    if (!message) return true;
    const { address, id } = message.sent;
    try {
      if (!(await this.#call((sender) => sender.deleteMessage(address, id)))) return false;
    } catch (error) {
      if (!isKind(error, "message_gone")) throw error;
    }
    this.#messages[position] = null;
    return true;
  }

  async #send(position: number, content: ShownContent): Promise<void> {
    const replyTo = position === 0 ? this.#place.replyTo : null;
    const nowMs = this.#nowMs();
    const sent = await this.#call((sender) => sender.send(this.#address, { ...content, replyTo }));
    this.#address = sent.address;
    this.#messages[position] = {
      sent,
      content,
      sentAtMs: nowMs,
      touchedAtMs: nowMs,
      isSaved: false,
    };
    await this.#saveAll();
  }

  /** An id that could not be saved is tried again before anything else is done. */
  async #saveAll(): Promise<void> {
    for (const [position, message] of this.#messages.entries()) {
      if (!message || message.isSaved) continue;
      await this.#place.onSent(position, message.sent);
      message.isSaved = true;
    }
  }

  async #call<T>(run: (sender: ChatSender) => Promise<T>): Promise<T> {
    try {
      return await run(this.#place.sender);
    } catch (error) {
      if (isKind(error, "rate_limited")) {
        this.#place.budget.pause(this.#address, error.retryAfterMs ?? PAUSE_MS);
      }
      throw error;
    }
  }

  #mayEdit({ sentAtMs }: ReplyMessage): boolean {
    const { edit } = this.#place.sender.capabilities;
    if (edit === null) return false;
    // The age of an earlier process's message is not known: trying will tell.
    return edit.windowMs === null || sentAtMs === null || this.#nowMs() - sentAtMs < edit.windowMs;
  }

  #nowMs(): number {
    return this.#place.clock.now().getTime();
  }
}

function haveSameButtons(
  some: readonly MessageButton[],
  others: readonly MessageButton[],
): boolean {
  const names = (buttons: readonly MessageButton[]) =>
    buttons.map(({ action, label }) => `${action} ${label}`).join("\n");
  return names(some) === names(others);
}

function isKind(error: unknown, kind: OutsideError["kind"]): error is OutsideError {
  return error instanceof OutsideError && error.kind === kind;
}
