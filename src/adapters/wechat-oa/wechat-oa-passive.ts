import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import { WECHAT_OA } from "./wechat-oa-errors.ts";
import { PassiveExchange } from "./wechat-oa-passive-exchange.ts";

/** WeChat brings a message so many times before it gives up. */
const ATTEMPTS_MAX = 3;
/** How long an exchange that is over is remembered, should WeChat ask for it once more. */
const REMEMBER_MS = 60_000;

/**
 * When an attempt can be answered. WeChat hangs up after five seconds and comes back at once.
 * https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
 */
export const PASSIVE_TIMING = {
  /** From here on an answer could come too late. */
  holdMs: 4_500,
  /** WeChat has hung up for sure. */
  hangUpMs: 6_000,
  /** WeChat will not come back. */
  giveUpMs: 8_000,
} as const;

interface WaitingText {
  readonly text: string;
  resolve(): void;
  reject(error: OutsideError): void;
}

export interface PassiveRepliesOptions {
  readonly clock: Clock;
  /** Says that the answer is not ready, and that any message fetches it. */
  readonly stillWorkingText: string;
}

/**
 * Answers people inside the very requests that bring their messages, for accounts that may not
 * write by themselves. Every message can be answered once, within three attempts of WeChat; the
 * last one says how to get what was not ready in time.
 */
export class PassiveReplies {
  readonly #options: PassiveRepliesOptions;
  /** By the id of the message, oldest first. */
  readonly #exchanges = new Map<string, PassiveExchange>();
  /** Texts that came between two attempts, by person. */
  readonly #waiting = new Map<string, WaitingText[]>();
  readonly #stopping = new AbortController();

  constructor(options: PassiveRepliesOptions) {
    this.#options = options;
  }

  /** 1 while a message of that person can still be answered, else 0. */
  sendsLeft(openId: string): number {
    const left = this.#openOf(openId).length - (this.#waiting.get(openId)?.length ?? 0);
    return Math.min(1, Math.max(0, left));
  }

  /**
   * Resolves once the text is on its way. Throws `OutsideError("window_closed")` when no message
   * of the person waits for an answer.
   */
  async send(openId: string, text: string): Promise<void> {
    const held = this.#openOf(openId).find((exchange) => exchange.isHeld);
    if (held !== undefined) {
      held.end(text);
      return;
    }
    if (this.sendsLeft(openId) === 0) throw new OutsideError(WECHAT_OA, "window_closed");
    await new Promise<void>((resolve, reject) => {
      const texts = this.#waiting.get(openId) ?? [];
      this.#waiting.set(openId, [...texts, { text, resolve, reject }]);
    });
  }

  /** Whether WeChat has brought the message before, as far as we remember. */
  knows(eventId: string): boolean {
    return this.#exchanges.has(eventId);
  }

  /**
   * WeChat brings a message, for the first time or again. Resolves with the text to answer;
   * `null` when there is none, or nobody left to read it.
   */
  async attempt(eventId: string, openId: string, hungUp: AbortSignal): Promise<string | null> {
    const exchange = this.#find(eventId, openId);
    // An answer that was lost on the way is given again.
    if (exchange.answer !== null) return exchange.answer;
    const attempt = exchange.begin();
    const [waiting, ...others] = this.#waiting.get(openId) ?? [];
    if (waiting !== undefined) {
      this.#keepWaiting(openId, others);
      exchange.end(waiting.text);
      waiting.resolve();
    }
    void this.#watch(exchange, hungUp);
    return await attempt;
  }

  /** Tells everybody whose message is still open how to get their answer later. */
  stop(): void {
    this.#stopping.abort();
  }

  async #watch(exchange: PassiveExchange, hungUp: AbortSignal): Promise<void> {
    const { clock, stillWorkingText } = this.#options;
    const { holdMs, hangUpMs, giveUpMs } = PASSIVE_TIMING;
    const { attempts, over, next } = exchange;
    const stopping = this.#stopping.signal;
    const isCurrent = () => exchange.attempts === attempts && !over.aborted;

    await clock.sleep(holdMs, AbortSignal.any([over, next, hungUp, stopping]));
    if (!isCurrent()) return;
    if (attempts >= ATTEMPTS_MAX || stopping.aborted) {
      this.#end(exchange, stillWorkingText);
      return;
    }
    exchange.close();
    // Whatever is answered while WeChat still listens ends the matter, so nothing is.
    await clock.sleep(hangUpMs - holdMs, AbortSignal.any([over, next, hungUp, stopping]));
    if (!isCurrent()) return;
    exchange.drop();
    await clock.sleep(giveUpMs - hangUpMs, AbortSignal.any([over, next, stopping]));
    if (isCurrent()) this.#end(exchange, null);
  }

  /** Nothing can be said any more: what waited for it fails. */
  #end(exchange: PassiveExchange, answer: string | null): void {
    exchange.end(answer);
    const { openId } = exchange;
    const texts = this.#waiting.get(openId) ?? [];
    const open = this.#openOf(openId).length;
    this.#keepWaiting(openId, texts.slice(0, open));
    for (const { reject } of texts.slice(open)) {
      reject(new OutsideError(WECHAT_OA, "window_closed"));
    }
  }

  #keepWaiting(openId: string, texts: WaitingText[]): void {
    if (texts.length === 0) this.#waiting.delete(openId);
    else this.#waiting.set(openId, texts);
  }

  #openOf(openId: string): PassiveExchange[] {
    return [...this.#exchanges.values()].filter(
      (exchange) => exchange.openId === openId && !exchange.over.aborted,
    );
  }

  #find(eventId: string, openId: string): PassiveExchange {
    const nowMs = this.#options.clock.now().getTime();
    for (const [id, exchange] of this.#exchanges) {
      if (nowMs - exchange.beganAtMs < REMEMBER_MS) break;
      if (exchange.over.aborted) this.#exchanges.delete(id);
    }
    const known = this.#exchanges.get(eventId);
    if (known !== undefined && (known.answer !== null || !known.over.aborted)) return known;
    // New, or WeChat came back after we had given up on it.
    this.#exchanges.delete(eventId);
    const exchange = new PassiveExchange(openId, nowMs, known?.attempts ?? 0);
    this.#exchanges.set(eventId, exchange);
    return exchange;
  }
}
