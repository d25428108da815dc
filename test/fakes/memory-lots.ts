import { randomUUID } from "node:crypto";
import type { JournalEntry, Undone } from "../../src/core/billing/ledger.ts";
import { LOT_KINDS, type Lot, type NewLot, type Unit } from "../../src/core/billing/lot.ts";
import type { Clock } from "../../src/core/clock.ts";
import { UserError } from "../../src/core/errors.ts";

export interface MemoryLot extends NewLot {
  readonly id: string;
  readonly createdAt: number;
  remaining: bigint;
  /** Infinity: it never ends. */
  endsAt: number;
  hasEnded: boolean;
}

export interface MemoryEntry extends JournalEntry {
  readonly transfer: string;
  readonly lot: MemoryLot;
}

export interface LotPart {
  readonly lot: MemoryLot;
  readonly amount: bigint;
}

/** The lots and the journal of a `MemoryLedger`. */
export class MemoryLots {
  readonly all: MemoryLot[] = [];
  readonly entries: MemoryEntry[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(lot: NewLot): void {
    const added: MemoryLot = {
      ...lot,
      id: randomUUID(),
      createdAt: this.nowMs(),
      remaining: lot.amount,
      endsAt: lot.validUntil?.getTime() ?? Number.POSITIVE_INFINITY,
      hasEnded: false,
    };
    this.all.push(added);
    this.move(`grant:${lot.cause}`, lot.origin, user(added), added, lot.amount, lot.reason);
  }

  /** Those of an account, in the order of use. */
  usable(accountId: string): MemoryLot[] {
    return this.all
      .filter((lot) => lot.accountId === accountId && lot.remaining > 0n && !this.isOver(lot))
      .sort(
        (one, other) =>
          one.priority - other.priority ||
          compare(one.endsAt, other.endsAt) ||
          LOT_KINDS[one.kind] - LOT_KINDS[other.kind] ||
          one.createdAt - other.createdAt,
      );
  }

  isOver(lot: MemoryLot): boolean {
    return lot.hasEnded || lot.endsAt <= this.nowMs();
  }

  endThoseOver(accountId: string): void {
    for (const lot of this.all) {
      if (lot.accountId === accountId && lot.remaining > 0n && this.isOver(lot)) this.end(lot);
    }
  }

  end(lot: MemoryLot): void {
    this.move(`expire:${lot.id}`, user(lot), "breakage", lot, lot.remaining, "ended");
    lot.remaining = 0n;
    lot.hasEnded = true;
  }

  move(
    transfer: string,
    fromAccount: string,
    toAccount: string,
    lot: MemoryLot,
    amount: bigint,
    reason: string,
  ): void {
    this.entries.push({
      id: BigInt(this.entries.length + 1),
      transfer,
      fromAccount,
      toAccount,
      unit: lot.unit,
      amount,
      reason,
      createdAt: this.#clock.now(),
      lot,
    });
  }

  /** Newest first. */
  entriesOf(accountId: string): JournalEntry[] {
    const names = [`user:${accountId}`, `held:${accountId}`];
    return this.entries
      .filter((entry) => names.includes(entry.fromAccount) || names.includes(entry.toAccount))
      .reverse()
      .map(({ transfer: _transfer, lot: _lot, ...entry }) => entry);
  }

  undo(entryId: bigint, reason: string): Undone {
    const refuse = (code: "unknown_entry" | "cannot_undo" | "already_undone"): never => {
      throw new UserError(code, { entry: String(entryId) });
    };
    const entry = this.entries.find(({ id }) => id === entryId) ?? refuse("unknown_entry");
    if (!entry.transfer.startsWith("grant:")) refuse("cannot_undo");
    const transfer = `undo:${entryId}`;
    if (this.entries.some((other) => other.transfer === transfer)) refuse("already_undone");
    const { lot } = entry;
    this.endThoseOver(lot.accountId);
    if (lot.remaining === 0n) refuse("cannot_undo");
    const amount = lot.remaining;
    lot.remaining = 0n;
    lot.hasEnded = true;
    this.move(transfer, user(lot), lot.origin, lot, amount, reason);
    return { accountId: lot.accountId, unit: lot.unit, amount };
  }

  findUndone(entryId: bigint): Undone {
    const entry = this.entries.find(({ transfer }) => transfer === `undo:${entryId}`);
    if (entry === undefined) throw new Error("it was not undone");
    return { accountId: entry.lot.accountId, unit: entry.unit, amount: entry.amount };
  }

  /** Whether the account ever redeemed a card or paid. */
  isKnown(accountId: string): boolean {
    return this.all.some(
      (lot) => lot.accountId === accountId && (lot.kind === "card" || lot.kind === "paid"),
    );
  }

  nowMs(): number {
    return this.#clock.now().getTime();
  }
}

/** Takes from lots that are in the order of use; what is short stays short. */
export function takeFrom(lots: readonly MemoryLot[], unit: Unit, amount: bigint): LotPart[] {
  const parts: LotPart[] = [];
  let left = amount;
  for (const lot of lots) {
    if (left === 0n || lot.unit !== unit) continue;
    const taken = smaller(lot.remaining, left);
    lot.remaining -= taken;
    left -= taken;
    parts.push({ lot, amount: taken });
  }
  return parts;
}

export function asLot(lot: MemoryLot): Lot {
  return {
    id: lot.id,
    unit: lot.unit,
    kind: lot.kind,
    granted: lot.amount,
    remaining: lot.remaining,
    validUntil: Number.isFinite(lot.endsAt) ? new Date(lot.endsAt) : null,
    modelScope: (lot.modelScope ?? []).length === 0 ? null : lot.modelScope,
  };
}

export function covers(lot: MemoryLot, model: string): boolean {
  const scope = lot.modelScope ?? [];
  return scope.length === 0 || scope.includes(model);
}

export function scopeKey({ modelScope }: Pick<NewLot, "modelScope">): string {
  return [...(modelScope ?? [])].sort().join("\n");
}

export function sumOf(lots: readonly MemoryLot[], unit: Unit): bigint {
  return lots.reduce((sum, lot) => (lot.unit === unit ? sum + lot.remaining : sum), 0n);
}

/** Math.min knows no bigint. */
export function smaller(one: bigint, other: bigint): bigint {
  if (one < other) return one;
  return other;
}

/** Two infinite dates are equal; their difference is not a number. */
function compare(one: number, other: number): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

export const user = (lot: MemoryLot): string => `user:${lot.accountId}`;
export const held = (lot: MemoryLot): string => `held:${lot.accountId}`;
