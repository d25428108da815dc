import type { Clock } from "../clock.ts";
import type { ChatCapabilities } from "./chat-adapter.ts";
import { type ChatAddress, chatKey } from "./chat-address.ts";
import { TokenBucket } from "./token-bucket.ts";

/**
 * Why a call is made; the first in line goes first. "final" and "command" are what a person waits
 * for, "placeholder" is a message that is new. "formatting" changes no word, so it takes turns
 * with previews. "preview" and "typing" may be dropped; "notice" is what nobody asked for, such as
 * a broadcast.
 */
export type CallPriority =
  | "final"
  | "command"
  | "placeholder"
  | "formatting"
  | "preview"
  | "typing"
  | "notice";

export interface BudgetedChat {
  readonly address: ChatAddress;
  readonly isDirect: boolean;
}

const RANK = {
  final: 0,
  command: 0,
  placeholder: 1,
  formatting: 2,
  preview: 2,
  typing: 3,
  notice: 4,
} as const satisfies Record<CallPriority, number>;
/** Platforms count a bot's calls by the second, and not all calls take the same time to arrive. */
const COUNTED_MS = 1_040;
// Telegram allows about 30 messages a second to people who did not write just now.
// https://core.telegram.org/bots/faq#broadcasting-to-users
const NOTICES = { burst: 1, refillMs: 50 };
/**
 * A preview that would take a chat's last token waits so long for one more. No call is lost by it,
 * and bit by bit it earns a spare one, with which a final or a further message can go at once.
 */
const SPARE_WAIT_MS = 80;
/** Chats are looked through for idle ones when there are this many, then at each doubling. */
const CHATS_BEFORE_SWEEP = 256;

interface Waiter {
  readonly priority: CallPriority;
  readonly rank: number;
  /** Who asked first has the lower one. */
  readonly order: number;
  readonly dueMs: number;
  readonly settle: (mayCall: boolean) => void;
}

interface Lane {
  readonly bucket: TokenBucket;
  pausedUntilMs: number;
  /** By rank, then in the order they came. */
  readonly waiters: Waiter[];
}

/**
 * Deals out the calls one bot may make: each chat has a token bucket shared by sends, edits and
 * chat actions of all replies in it, and all chats share the bot's calls a second.
 *
 * In every chat finals and commands go before new messages, those before previews, and a preview
 * never takes a token that a waiting final needs; equals go in the order they asked, so several
 * replies take turns. Notices go one by one, 20 a second at most, when nothing else wants to.
 * Waiting costs one timer for all, and idle chats are forgotten. Topics of a
 * group share its bucket, as Telegram counts.
 */
export class EditBudget {
  readonly #clock: Clock;
  readonly #pace: ChatCapabilities["pace"];
  readonly #bot: TokenBucket;
  readonly #notices = new TokenBucket(NOTICES);
  readonly #lanes = new Map<string, Lane>();
  readonly #waiting = new Set<Lane>();
  #asked = 0;
  #sweepAt = CHATS_BEFORE_SWEEP;
  #timer: { readonly atMs: number; readonly abort: AbortController } | null = null;
  #wallMs = Number.NEGATIVE_INFINITY;
  #shiftMs = 0;

  /** `callsPerSecondMax` holds for all chats together; `Infinity` where there is no such limit. */
  constructor(clock: Clock, pace: ChatCapabilities["pace"], callsPerSecondMax = 30) {
    this.#clock = clock;
    this.#pace = pace;
    // One call at a time, so that no second holds more than the platform counts.
    this.#bot = new TokenBucket({ burst: 1, refillMs: COUNTED_MS / callsPerSecondMax });
  }

  /** How many chats are remembered. */
  get size(): number {
    return this.#lanes.size;
  }

  /**
   * Resolves with `true` when one call may be made, at once, and not before `delayMs` have passed.
   * Resolves with `false` when the signal aborts; for a preview also when a pause begins while it
   * waits, and for typing when it cannot go right now.
   */
  turn(
    chat: BudgetedChat,
    priority: CallPriority,
    signal?: AbortSignal,
    delayMs = 0,
  ): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    const lane = this.#lane(chat.address, chat.isDirect);
    return new Promise((resolve) => {
      const abort = () => this.#settle(lane, waiter, false);
      const settle = (mayCall: boolean) => {
        signal?.removeEventListener("abort", abort);
        resolve(mayCall);
      };
      const dueMs = this.#nowMs() + delayMs;
      this.#asked += 1;
      const waiter = { priority, rank: RANK[priority], order: this.#asked, dueMs, settle };
      signal?.addEventListener("abort", abort);
      this.#add(lane, waiter);
      this.#dispatch();
      if (priority === "typing" && lane.waiters.includes(waiter)) abort();
    });
  }

  /** After a refusal: no call to that chat for so long, and only finals wait for the end of it. */
  pause(address: ChatAddress, ms: number): void {
    const lane = this.#lane(address, null);
    lane.pausedUntilMs = Math.max(lane.pausedUntilMs, this.#nowMs() + ms);
    lane.bucket.drainUntil(lane.pausedUntilMs);
    const lossy = lane.waiters.filter(({ priority }) => priority === "preview");
    for (const waiter of lossy) this.#settle(lane, waiter, false);
    this.#dispatch();
  }

  #add(lane: Lane, waiter: Waiter): void {
    const place = lane.waiters.findLastIndex((other) => other.rank <= waiter.rank) + 1;
    lane.waiters.splice(place, 0, waiter);
    this.#waiting.add(lane);
  }

  #settle(lane: Lane, waiter: Waiter, mayCall: boolean): void {
    const index = lane.waiters.indexOf(waiter);
    if (index === -1) return;
    lane.waiters.splice(index, 1);
    if (lane.waiters.length === 0) this.#waiting.delete(lane);
    if (this.#waiting.size === 0) this.#cancelTimer();
    waiter.settle(mayCall);
  }

  /** Lets go whoever may, and sets the timer for the next. */
  #dispatch(): void {
    for (;;) {
      const nowMs = this.#nowMs();
      let first: { readonly lane: Lane; readonly waiter: Waiter } | null = null;
      let nextMs = Number.POSITIVE_INFINITY;
      for (const lane of this.#waiting) {
        for (const waiter of lane.waiters) {
          const readyAtMs = this.#readyAt(lane, waiter);
          if (readyAtMs > nowMs) nextMs = Math.min(nextMs, readyAtMs);
          else if (first === null || goesBefore(waiter, first.waiter)) first = { lane, waiter };
        }
      }
      const botReadyAtMs = this.#bot.readyAtMs(1);
      if (first === null || botReadyAtMs > nowMs) {
        this.#setTimer(first === null ? nextMs : botReadyAtMs, nowMs);
        return;
      }
      this.#bot.take(nowMs);
      first.lane.bucket.take(nowMs);
      if (first.waiter.priority === "notice") this.#notices.take(nowMs);
      this.#settle(first.lane, first.waiter, true);
    }
  }

  #readyAt({ bucket, pausedUntilMs, waiters }: Lane, waiter: Waiter): number {
    const urgent = waiters.filter(({ rank }) => rank === RANK.final).length;
    const tokens = waiter.rank === RANK.final ? 1 : 1 + urgent;
    const soonestMs = Math.max(pausedUntilMs, waiter.dueMs, bucket.readyAtMs(tokens));
    if (waiter.priority === "notice") return Math.max(soonestMs, this.#notices.readyAtMs(1));
    const mayHaveSpare = waiter.rank >= RANK.preview && tokens < bucket.pace.burst;
    if (!mayHaveSpare) return soonestMs;
    return Math.max(soonestMs, Math.min(bucket.readyAtMs(tokens + 1), soonestMs + SPARE_WAIT_MS));
  }

  #setTimer(atMs: number, nowMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY || this.#timer?.atMs === atMs) return;
    this.#cancelTimer();
    const timer = { atMs, abort: new AbortController() };
    this.#timer = timer;
    void this.#clock.sleep(Math.ceil(atMs - nowMs), timer.abort.signal).then(() => {
      if (this.#timer !== timer) return;
      this.#timer = null;
      this.#dispatch();
    });
  }

  #cancelTimer(): void {
    this.#timer?.abort.abort();
    this.#timer = null;
  }

  #lane(address: ChatAddress, isDirect: boolean | null): Lane {
    const key = chatKey({ ...address, thread: null });
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      this.#forgetIdle();
      const bucket = new TokenBucket(this.#pace.group);
      lane = { bucket, pausedUntilMs: Number.NEGATIVE_INFINITY, waiters: [] };
      this.#lanes.set(key, lane);
    }
    if (isDirect !== null) lane.bucket.pace = isDirect ? this.#pace.direct : this.#pace.group;
    return lane;
  }

  #forgetIdle(): void {
    if (this.#lanes.size < this.#sweepAt) return;
    const nowMs = this.#nowMs();
    for (const [key, { bucket, pausedUntilMs, waiters }] of this.#lanes) {
      if (waiters.length === 0 && pausedUntilMs <= nowMs && bucket.isFull(nowMs)) {
        this.#lanes.delete(key);
      }
    }
    this.#sweepAt = Math.max(CHATS_BEFORE_SWEEP, this.#lanes.size * 2);
  }

  /** Time that never runs backwards, so that setting the wall clock back stops no chat. */
  #nowMs(): number {
    const wallMs = this.#clock.now().getTime();
    if (wallMs < this.#wallMs) this.#shiftMs += this.#wallMs - wallMs;
    this.#wallMs = wallMs;
    return wallMs + this.#shiftMs;
  }
}

function goesBefore(waiter: Waiter, other: Waiter): boolean {
  return waiter.rank < other.rank || (waiter.rank === other.rank && waiter.order < other.order);
}
