import { randomUUID } from "node:crypto";
import type { HoldOutcome, HoldRequest, Ledger } from "../../src/core/billing/ledger.ts";
import type { NewLot } from "../../src/core/billing/lot.ts";

/** A ledger under test, with what the tests need around it. */
export interface LedgerUnderTest {
  readonly ledger: Ledger;
  /** A new account without credit. */
  openAccount(): Promise<string>;
  /** Makes everything in the ledger older, as if time had passed. */
  passTime(ms: number): Promise<void>;
}

export type OpenLedger = () => Promise<LedgerUnderTest>;

export const MODEL = "gpt-5-mini";
export const DAY_MS = 24 * 60 * 60_000;
export const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

/** A lot of credit without end, but for what is said otherwise. */
export function lotOf(accountId: string, amount: bigint, over: Partial<NewLot> = {}): NewLot {
  return {
    cause: `test:${randomUUID()}`,
    accountId,
    unit: "credit",
    kind: "gift",
    priority: 50,
    amount,
    validUntil: null,
    modelScope: null,
    origin: "promotions",
    reason: "test",
    ...over,
  };
}

/** A hold of exactly so much credit, or one message, for a minute. */
export function holdOf(
  accountId: string,
  creditMax: bigint,
  over: Partial<HoldRequest> = {},
): HoldRequest {
  return {
    cause: `test:${randomUUID()}`,
    accountId,
    model: MODEL,
    messageCost: 1n,
    creditMax,
    creditMin: creditMax,
    leaseMs: 60_000,
    ...over,
  };
}

export type Held = Extract<HoldOutcome, { status: "held" }>;

export async function mustHold(ledger: Ledger, request: HoldRequest): Promise<Held> {
  const outcome = await ledger.placeHold(request);
  if (outcome.status !== "held") throw new Error("the hold is not covered");
  return outcome;
}

/** A ledger with one account that owns these lots. */
export async function openWith(open: OpenLedger, ...lots: (readonly [bigint, Partial<NewLot>?])[]) {
  const { ledger, openAccount, passTime } = await open();
  const account = await openAccount();
  for (const [amount, over] of lots) await ledger.grant(lotOf(account, amount, over));
  const remaining = async () => (await ledger.balance(account)).lots.map((lot) => lot.remaining);
  return { ledger, account, passTime, remaining };
}
