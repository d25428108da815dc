import type { OutgoingMessage } from "../../core/chat/chat-adapter.ts";
import type { Clock } from "../../core/clock.ts";

// https://developer.work.weixin.qq.com/document/path/101463
const ANSWERABLE_MS = 24 * 60 * 60_000;
const PER_CHAT_MAX = 20;
const CHATS_MAX = 5_000;

/** A message somebody wrote, as long as one stream of ours may answer it. */
export interface OpenRequest {
  readonly messageId: string;
  readonly reqId: string;
  readonly channel: string;
  readonly isDirect: boolean;
  readonly isCommand: boolean;
}

interface KnownRequest extends OpenRequest {
  readonly receivedAtMs: number;
  /** A call was made and nobody knows what came of it. */
  isTried: boolean;
  isSpent: boolean;
}

/**
 * What people wrote and nobody answered yet. WeCom lets one stream answer each message, by the id
 * of the request it came in; so every answer has to find its own.
 */
export class WecomRequests {
  readonly #clock: Clock;
  readonly #chats = new Map<string, KnownRequest[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A message that comes again in another request is answered by the new one. */
  note(request: OpenRequest): void {
    const { channel, messageId, reqId } = request;
    const nowMs = this.#clock.now().getTime();
    const known = this.#open(channel);
    if (known.some((other) => other.reqId === reqId)) return;
    const others = known.filter((other) => other.messageId !== messageId);
    const added = { ...request, receivedAtMs: nowMs, isTried: false, isSpent: false };
    // Last in the map is who wrote last.
    this.#chats.delete(channel);
    this.#chats.set(channel, [...others, added].slice(-PER_CHAT_MAX));
    const oldest = this.#chats.keys().next().value;
    if (this.#chats.size > CHATS_MAX && oldest !== undefined) this.#chats.delete(oldest);
  }

  /**
   * The request this message answers; `null` when it has to be a message of its own. A group
   * says by `replyTo` which one is meant. In a private chat a stream answers the newest question,
   * and what is complete at once answers a command or ends a stream that may have been begun, so
   * that a notice never takes the place of an answer.
   */
  find(channel: string, { replyTo, isDraft }: OutgoingMessage): OpenRequest | null {
    const open = this.#open(channel).filter(({ isSpent }) => !isSpent);
    if (replyTo !== null) return open.find(({ messageId }) => messageId === replyTo) ?? null;
    const direct = open.filter((request) => request.isDirect).reverse();
    const begun = direct.find(({ isTried }) => isTried);
    const command = direct.find(({ isCommand }) => isCommand);
    if (isDraft !== true) return begun ?? command ?? null;
    return begun ?? direct.find(({ isCommand }) => !isCommand) ?? command ?? null;
  }

  /** A stream may have been begun: its answer goes nowhere else. */
  markTried({ channel, reqId }: OpenRequest): void {
    const request = this.#find(channel, reqId);
    if (request !== undefined) request.isTried = true;
  }

  /** It has its answer, or takes none. */
  spend({ channel, reqId }: OpenRequest): void {
    const request = this.#find(channel, reqId);
    if (request !== undefined) request.isSpent = true;
  }

  #find(channel: string, reqId: string): KnownRequest | undefined {
    return this.#chats.get(channel)?.find((request) => request.reqId === reqId);
  }

  #open(channel: string): KnownRequest[] {
    const oldestMs = this.#clock.now().getTime() - ANSWERABLE_MS;
    return (this.#chats.get(channel) ?? []).filter(({ receivedAtMs }) => receivedAtMs > oldestMs);
  }
}
