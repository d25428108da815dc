import type { CardBatch, NewBatch, NewCard } from "../../src/core/cards/card-batch.ts";
import type {
  BatchChange,
  CardStore,
  GuessPressure,
  LowStock,
  RedeemAttempt,
  Redeemer,
  RedeemOutcome,
} from "../../src/core/cards/card-store.ts";
import { lowStockBound } from "../../src/core/cards/low-stock.ts";
import {
  countGuess,
  GUESS_WEIGHTS,
  GUESS_WINDOW_MS,
  type GuessCount,
  lockedUntil,
  STORM_WEIGHT,
} from "../../src/core/cards/redeem-guard.ts";
import type { Clock } from "../../src/core/clock.ts";
import { UserError } from "../../src/core/errors.ts";
import type { MemoryLedger } from "./memory-ledger.ts";

const DAY_MS = 24 * 60 * 60_000;
const STATES = { freeze: "frozen", unfreeze: "active", void: "void" } as const;

interface MemoryCard {
  readonly id: string;
  readonly batch: MemoryBatch;
  state: "active" | "redeemed" | "void";
  redeemedBy: string | null;
}

interface MemoryBatch {
  readonly batch: NewBatch;
  readonly createdAt: Date;
  state: CardBatch["state"];
  isLowStockTold: boolean;
}

/** Cards in memory; redeemed ones become lots of a `MemoryLedger`. Accounts are old unless told. */
export class MemoryCardStore implements CardStore {
  readonly #ledger: MemoryLedger;
  readonly #clock: Clock;
  readonly #createdAt: (accountId: string) => Date;
  readonly #batches: MemoryBatch[] = [];
  /** By the HMAC of their code, in hex. */
  readonly #cards = new Map<string, MemoryCard>();
  readonly #counts = new Map<string, GuessCount>();
  #everybody = { weight: 0, sinceMs: 0 };

  constructor(
    ledger: MemoryLedger,
    clock: Clock,
    createdAt: (accountId: string) => Date = () => new Date(0),
  ) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#createdAt = createdAt;
  }

  async createBatch(batch: NewBatch, chunks: Iterable<readonly NewCard[]>): Promise<void> {
    if (this.#find(batch.name) !== undefined) {
      throw new UserError("batch_exists", { name: batch.name });
    }
    const createdAt = this.#clock.now();
    const added: MemoryBatch = { batch, createdAt, state: "active", isLowStockTold: false };
    this.#batches.push(added);
    for (const card of [...chunks].flat()) {
      const key = Buffer.from(card.codeHmac).toString("hex");
      this.#cards.set(key, { id: card.id, batch: added, state: "active", redeemedBy: null });
    }
  }

  async listBatches(limit: number): Promise<CardBatch[]> {
    return this.#batches
      .toReversed()
      .slice(0, limit)
      .map((batch) => this.#seen(batch));
  }

  async findBatch(name: string): Promise<CardBatch | null> {
    const batch = this.#find(name);
    return batch === undefined ? null : this.#seen(batch);
  }

  async changeBatch(
    name: string,
    change: BatchChange,
  ): Promise<{ before: CardBatch; after: CardBatch }> {
    const batch = this.#find(name);
    if (batch === undefined) throw new UserError("unknown_batch", { name });
    const needed = change === "freeze" ? ["active"] : ["frozen", "active"];
    const isWrong = change === "unfreeze" && batch.state !== "frozen";
    if (isWrong || !needed.includes(batch.state)) {
      throw new UserError("batch_state", { name, state: batch.state });
    }
    const before = this.#seen(batch);
    batch.state = STATES[change];
    for (const card of this.#cardsOf(batch)) {
      if (change === "void" && card.state === "active") card.state = "void";
    }
    return { before, after: this.#seen(batch) };
  }

  #find(name: string): MemoryBatch | undefined {
    const wanted = name.toLowerCase();
    return this.#batches.find((other) => other.batch.name.toLowerCase() === wanted);
  }

  async redeem(redeemer: Redeemer, codeHmacs: readonly Uint8Array[]): Promise<RedeemAttempt> {
    const now = this.#clock.now();
    const keys = [`account:${redeemer.accountId}`, `identity:${redeemer.identityKey}`];
    const counts = keys.flatMap((key) => this.#counts.get(key) ?? []);
    const until = lockedUntil(counts, now);
    if (until !== null) return { outcome: { status: "locked", until }, startsStorm: false };

    const { outcome, weight } = await this.#try(redeemer.accountId, codeHmacs);
    if (weight === 0) return { outcome, startsStorm: false };
    for (const key of keys) {
      const before = this.#counts.get(key) ?? null;
      this.#counts.set(key, countGuess(before, weight, this.#createdAt(redeemer.accountId), now));
    }
    return { outcome, startsStorm: this.#countForEverybody(weight) };
  }

  async readPressure(accountId: string): Promise<GuessPressure> {
    const { weight } = this.#windowOfEverybody();
    return {
      guesses: weight / 100,
      isStorm: weight >= STORM_WEIGHT,
      isKnown: this.#ledger.isKnown(accountId),
    };
  }

  async listLowStock(limit: number): Promise<LowStock[]> {
    const now = this.#clock.now();
    return this.#batches
      .filter(({ state, isLowStockTold, batch: { redeemUntil } }) => {
        return state === "active" && !isLowStockTold && (redeemUntil === null || redeemUntil > now);
      })
      .map((kept) => {
        const { id, name, count } = kept.batch;
        return { id, name, count, left: this.#seen(kept).cards.active };
      })
      .filter(({ left, count }) => left < lowStockBound(count))
      .slice(0, limit);
  }

  async noteLowStockTold(batchId: string): Promise<void> {
    for (const kept of this.#batches) if (kept.batch.id === batchId) kept.isLowStockTold = true;
  }

  async forgetOldGuesses(limit: number): Promise<number> {
    const beforeMs = this.#clock.now().getTime() - 2 * DAY_MS;
    const old = [...this.#counts]
      .filter(
        ([, { windowStart, lockedUntil: until }]) =>
          Math.max(windowStart.getTime(), until?.getTime() ?? 0) < beforeMs,
      )
      .slice(0, limit);
    for (const [key] of old) this.#counts.delete(key);
    return old.length;
  }

  async #try(
    accountId: string,
    codeHmacs: readonly Uint8Array[],
  ): Promise<{ outcome: RedeemOutcome; weight: number }> {
    if (codeHmacs.length === 0) return { outcome: { status: "typo" }, weight: GUESS_WEIGHTS.typo };
    const [card] = codeHmacs.flatMap(
      (hmac) => this.#cards.get(Buffer.from(hmac).toString("hex")) ?? [],
    );
    if (card === undefined) {
      return { outcome: { status: "invalid_or_used" }, weight: GUESS_WEIGHTS.unknown };
    }
    if (card.redeemedBy === accountId) {
      return { outcome: { status: "already_yours" }, weight: GUESS_WEIGHTS.already_yours };
    }
    const { batch, state } = card.batch;
    const isOver = batch.redeemUntil !== null && batch.redeemUntil <= this.#clock.now();
    if (card.state !== "active" || state !== "active" || isOver) {
      return { outcome: { status: "invalid_or_used" }, weight: GUESS_WEIGHTS.used };
    }
    const own = this.#cardsOf(card.batch).filter((other) => other.redeemedBy === accountId);
    if (batch.perAccountMax !== null && own.length >= batch.perAccountMax) {
      return { outcome: { status: "limit_per_account" }, weight: GUESS_WEIGHTS.limit_per_account };
    }
    card.state = "redeemed";
    card.redeemedBy = accountId;
    return { outcome: await this.#grant(accountId, card.id, batch), weight: 0 };
  }

  async #grant(accountId: string, cardId: string, batch: NewBatch): Promise<RedeemOutcome> {
    const { unit, amount, modelScope } = batch;
    const validUntil = new Date(this.#clock.now().getTime() + batch.validDays * DAY_MS);
    const isExtended =
      batch.renewal === "extend" && this.#ledger.extendCardLots(accountId, batch, validUntil);
    await this.#ledger.grant({
      cause: `card:${cardId}`,
      accountId,
      unit,
      kind: "card",
      priority: 50,
      amount,
      validUntil,
      modelScope,
      origin: `cards:${batch.name}`,
      reason: "card",
    });
    return { status: "redeemed", unit, amount, validUntil, isExtended };
  }

  #countForEverybody(weight: number): boolean {
    const window = this.#windowOfEverybody();
    this.#everybody = { ...window, weight: window.weight + weight };
    return this.#everybody.weight >= STORM_WEIGHT && window.weight < STORM_WEIGHT;
  }

  #windowOfEverybody(): { weight: number; sinceMs: number } {
    const nowMs = this.#clock.now().getTime();
    const isOver = nowMs - this.#everybody.sinceMs >= GUESS_WINDOW_MS;
    return isOver ? { weight: 0, sinceMs: nowMs } : this.#everybody;
  }

  #cardsOf(batch: MemoryBatch): MemoryCard[] {
    return [...this.#cards.values()].filter((card) => card.batch === batch);
  }

  #seen(batch: MemoryBatch): CardBatch {
    const cards = { active: 0, redeemed: 0, void: 0 };
    for (const card of this.#cardsOf(batch)) cards[card.state] += 1;
    return { ...batch.batch, state: batch.state, createdAt: batch.createdAt, cards };
  }
}
