import assert from "node:assert";
import { randomUUID } from "node:crypto";
import type {
  AccountBalance,
  CaptureOutcome,
  HoldOutcome,
  HoldRequest,
  JournalEntry,
  Ledger,
  Undone,
} from "../../src/core/billing/ledger.ts";
import type { NewLot, Unit } from "../../src/core/billing/lot.ts";
import type { Clock } from "../../src/core/clock.ts";
import {
  asLot,
  covers,
  held,
  type LotPart,
  type MemoryLot,
  MemoryLots,
  scopeKey,
  smaller,
  sumOf,
  takeFrom,
  user,
} from "./memory-lots.ts";

interface MemoryHold {
  readonly id: string;
  readonly request: HoldRequest;
  readonly unit: Unit;
  readonly amount: bigint;
  readonly parts: readonly LotPart[];
  leaseUntil: number;
  state: "open" | "captured" | "released" | "expired";
  due: bigint;
  captured: bigint;
}

/** A ledger in memory that keeps the contract; accounts come into being when they are named. */
export class MemoryLedger implements Ledger {
  readonly #lots: MemoryLots;
  readonly #holds = new Map<string, MemoryHold>();

  constructor(clock: Clock) {
    this.#lots = new MemoryLots(clock);
  }

  async balance(accountId: string): Promise<AccountBalance> {
    const lots = this.#lots.usable(accountId);
    const heldNow = { credit: 0n, message: 0n };
    for (const hold of this.#openHolds()) {
      if (hold.request.accountId === accountId) heldNow[hold.unit] += hold.amount;
    }
    return {
      lots: lots.map(asLot),
      available: { credit: sumOf(lots, "credit"), message: sumOf(lots, "message") },
      held: heldNow,
    };
  }

  async grant(lot: NewLot): Promise<boolean> {
    assert(lot.amount > 0n, "a lot is more than nothing");
    if (this.#lots.all.some(({ cause }) => cause === lot.cause)) return false;
    this.#lots.add(lot);
    return true;
  }

  async findGrantEntry(cause: string): Promise<bigint> {
    const entry = this.#lots.entries.find(({ transfer }) => transfer === `grant:${cause}`);
    assert(entry !== undefined, "the cause granted a lot");
    return entry.id;
  }

  async placeHold(request: HoldRequest): Promise<HoldOutcome> {
    const { accountId, model, messageCost, creditMin, creditMax, leaseMs } = request;
    assert(creditMin >= 0n && creditMax >= creditMin && (messageCost ?? 0n) >= 0n && leaseMs > 0);
    const known = this.#findHold(request);
    if (known !== null) return heldOutcome(known, true);
    this.#lots.endThoseOver(accountId);
    const lots = this.#lots.usable(accountId).filter((lot) => covers(lot, model));
    const messages = sumOf(lots, "message");
    const credit = sumOf(lots, "credit");
    const isInMessages = messageCost !== null && messages >= messageCost;
    if (!isInMessages && credit < creditMin) {
      return { status: "insufficient", creditAvailable: credit, messagesAvailable: messages };
    }
    const unit = isInMessages ? "message" : "credit";
    const amount = isInMessages ? messageCost : smaller(credit, creditMax);
    const hold: MemoryHold = {
      id: randomUUID(),
      request,
      unit,
      amount,
      parts: takeFrom(lots, unit, amount),
      leaseUntil: this.#lots.nowMs() + leaseMs,
      state: "open",
      due: 0n,
      captured: 0n,
    };
    this.#holds.set(hold.id, hold);
    for (const { lot, amount: taken } of hold.parts) {
      this.#lots.move(`hold:${request.cause}`, user(lot), held(lot), lot, taken, "hold");
    }
    return heldOutcome(hold, false);
  }

  async captureHold(holdId: string, amount: bigint): Promise<CaptureOutcome> {
    const hold = this.#hold(holdId);
    assert(amount >= 0n && amount <= hold.amount, `a capture of ${amount} does not fit the hold`);
    if (hold.state === "captured") {
      assert(hold.due === amount, "the hold was captured with another amount");
      return { status: "repeated", captured: hold.captured };
    }
    assert(hold.state !== "released", "the hold was released");
    hold.captured =
      hold.state === "expired" ? this.#chargeAfresh(hold, amount) : this.#charge(hold, amount);
    hold.state = "captured";
    hold.due = amount;
    return { status: "captured", captured: hold.captured };
  }

  async releaseHold(holdId: string): Promise<void> {
    this.#release(this.#hold(holdId), "released");
  }

  async renewHold(holdId: string, leaseMs: number): Promise<boolean> {
    const hold = this.#hold(holdId);
    if (hold.state !== "open") return false;
    hold.leaseUntil = Math.max(hold.leaseUntil, this.#lots.nowMs() + leaseMs);
    return true;
  }

  async releaseLapsedHolds(limit: number): Promise<number> {
    const lapsed = this.#openHolds()
      .filter((hold) => hold.leaseUntil <= this.#lots.nowMs())
      .sort((one, other) => one.leaseUntil - other.leaseUntil)
      .slice(0, limit);
    for (const hold of lapsed) this.#release(hold, "expired");
    return lapsed.length;
  }

  async expireLots(limit: number): Promise<number> {
    const ended = this.#lots.all
      .filter((lot) => lot.remaining > 0n && this.#lots.isOver(lot))
      .slice(0, limit);
    for (const lot of ended) this.#lots.end(lot);
    return ended.length;
  }

  async listEntries(accountId: string, limit: number): Promise<JournalEntry[]> {
    return this.#lots.entriesOf(accountId).slice(0, limit);
  }

  async undo(entryId: bigint, reason: string): Promise<Undone> {
    return this.#lots.undo(entryId, reason);
  }

  async findUndone(entryId: bigint): Promise<Undone> {
    return this.#lots.findUndone(entryId);
  }

  /** Whether the account ever redeemed a card or paid. */
  isKnown(accountId: string): boolean {
    return this.#lots.isKnown(accountId);
  }

  /** Gives older card lots of the same unit and models a later date, as redeeming a card does. */
  extendCardLots(
    accountId: string,
    like: Pick<NewLot, "unit" | "modelScope">,
    until: Date,
  ): boolean {
    const older = this.#lots.all.filter(
      (lot) =>
        lot.accountId === accountId &&
        lot.kind === "card" &&
        lot.unit === like.unit &&
        scopeKey(lot) === scopeKey(like) &&
        !this.#lots.isOver(lot) &&
        lot.endsAt < until.getTime() &&
        (lot.remaining > 0n || this.#isPartlyHeld(lot)),
    );
    for (const lot of older) lot.endsAt = until.getTime();
    return older.length > 0;
  }

  #isPartlyHeld(lot: MemoryLot): boolean {
    return this.#openHolds().some((hold) => hold.parts.some((part) => part.lot === lot));
  }

  #openHolds(): MemoryHold[] {
    return [...this.#holds.values()].filter((hold) => hold.state === "open");
  }

  #findHold(request: HoldRequest): MemoryHold | null {
    const hold = [...this.#holds.values()].find((other) => other.request.cause === request.cause);
    if (hold === undefined) return null;
    const isSame =
      hold.request.accountId === request.accountId &&
      hold.request.model === request.model &&
      (hold.unit === "message"
        ? hold.amount === request.messageCost
        : hold.amount >= request.creditMin && hold.amount <= request.creditMax);
    assert(isSame, `the cause ${request.cause} holds something else`);
    return hold;
  }

  #charge(hold: MemoryHold, amount: bigint): bigint {
    let left = amount;
    for (const { lot, amount: taken } of hold.parts) {
      const charge = smaller(taken, left);
      left -= charge;
      if (charge > 0n) {
        this.#lots.move(`capture:${hold.id}`, held(lot), "revenue", lot, charge, "answer");
      }
    }
    this.#returnRest(hold, hold.amount - amount, "rest");
    return amount;
  }

  #chargeAfresh(hold: MemoryHold, amount: bigint): bigint {
    const { accountId, model } = hold.request;
    this.#lots.endThoseOver(accountId);
    const lots = this.#lots.usable(accountId).filter((lot) => covers(lot, model));
    const parts = takeFrom(lots, hold.unit, amount);
    for (const { lot, amount: taken } of parts) {
      this.#lots.move(`capture:${hold.id}`, user(lot), "revenue", lot, taken, "late answer");
    }
    return parts.reduce((sum, part) => sum + part.amount, 0n);
  }

  #release(hold: MemoryHold, state: "released" | "expired"): void {
    if (hold.state !== "open") return;
    this.#returnRest(hold, hold.amount, state);
    hold.state = state;
  }

  /** Last taken first. */
  #returnRest(hold: MemoryHold, amount: bigint, reason: string): void {
    let rest = amount;
    for (const { lot, amount: taken } of hold.parts.toReversed()) {
      const back = smaller(taken, rest);
      if (back === 0n) return;
      rest -= back;
      const isOver = this.#lots.isOver(lot);
      if (!isOver) lot.remaining += back;
      const to = isOver ? "breakage" : user(lot);
      this.#lots.move(`return:${hold.id}`, held(lot), to, lot, back, reason);
    }
  }

  #hold(holdId: string): MemoryHold {
    const hold = this.#holds.get(holdId);
    assert(hold !== undefined, `there is no hold ${holdId}`);
    return hold;
  }
}

function heldOutcome(hold: MemoryHold, existed: boolean): HoldOutcome {
  return { status: "held", holdId: hold.id, unit: hold.unit, amount: hold.amount, existed };
}
