import { tooManyRequests } from "./bot-api-error.ts";

const DIRECT_BURST = 5;
const DIRECT_REFILL_MS = 1_000;
const GROUP_CALLS_MAX = 20;
const GROUP_WINDOW_MS = 60_000;
const GLOBAL_CALLS_MAX = 30;
const GLOBAL_WINDOW_MS = 1_000;
/** A chat whose people wrote this recently does not count for the limit of all chats. */
const ACTIVE_MS = 60_000;
const PENALTY_MS = 5_000;

interface ChatBudget {
  tokens: number;
  refilledAt: number;
  /** Times of the calls of the last minute. */
  calls: number[];
  blockedUntil: number;
  heardAt: number;
}

/**
 * How Telegram's flood control behaves, as far as it is known: a bucket for a private chat, a
 * window of a minute for a group, one second for all chats together, and a block that grows
 * while it is not respected.
 */
export class RateModel {
  readonly #now: () => number;
  readonly #chats = new Map<number, ChatBudget>();
  #globalCalls: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A person wrote in the chat. */
  heard(chatId: number): void {
    this.#budget(chatId).heardAt = this.#now();
  }

  /** Throws a 429 when the bot may not send to that chat now. Groups have negative ids. */
  spend(chatId: number): void {
    const budget = this.#budget(chatId);
    const now = this.#now();
    if (now < budget.blockedUntil) this.#block(budget, budget.blockedUntil + PENALTY_MS);
    const waitMs = chatId < 0 ? this.#spendInGroup(budget) : this.#spendDirectly(budget);
    if (waitMs > 0) this.#block(budget, now + waitMs);
    if (now - budget.heardAt > ACTIVE_MS) this.#spendGlobally(budget);
  }

  #spendDirectly(budget: ChatBudget): number {
    const now = this.#now();
    const refilled = (now - budget.refilledAt) / DIRECT_REFILL_MS;
    budget.tokens = Math.min(DIRECT_BURST, budget.tokens + refilled);
    budget.refilledAt = now;
    if (budget.tokens < 1) return (1 - budget.tokens) * DIRECT_REFILL_MS;
    budget.tokens -= 1;
    return 0;
  }

  #spendInGroup(budget: ChatBudget): number {
    const now = this.#now();
    budget.calls = budget.calls.filter((at) => at > now - GROUP_WINDOW_MS);
    const [oldest] = budget.calls;
    if (oldest !== undefined && budget.calls.length >= GROUP_CALLS_MAX) {
      return oldest + GROUP_WINDOW_MS - now;
    }
    budget.calls.push(now);
    return 0;
  }

  #spendGlobally(budget: ChatBudget): void {
    const now = this.#now();
    this.#globalCalls = this.#globalCalls.filter((at) => at > now - GLOBAL_WINDOW_MS);
    if (this.#globalCalls.length >= GLOBAL_CALLS_MAX) this.#block(budget, now + GLOBAL_WINDOW_MS);
    this.#globalCalls.push(now);
  }

  #block(budget: ChatBudget, until: number): never {
    budget.blockedUntil = until;
    throw tooManyRequests(Math.max(1, Math.ceil((until - this.#now()) / 1000)));
  }

  #budget(chatId: number): ChatBudget {
    const known = this.#chats.get(chatId);
    if (known !== undefined) return known;
    const budget: ChatBudget = {
      tokens: DIRECT_BURST,
      refilledAt: this.#now(),
      calls: [],
      blockedUntil: Number.NEGATIVE_INFINITY,
      heardAt: Number.NEGATIVE_INFINITY,
    };
    this.#chats.set(chatId, budget);
    return budget;
  }
}
