import type { Ledger } from "../../src/core/billing/ledger.ts";
import type { BatchOrder } from "../../src/core/cards/card-batch.ts";
import { createCardPepper, createCodes } from "../../src/core/cards/card-code.ts";
import type { CardStore, RedeemOutcome } from "../../src/core/cards/card-store.ts";
import { createBatch } from "../../src/core/cards/create-batch.ts";
import { createId } from "../../src/core/ids.ts";

/** A card store under test, with what the tests need around it. */
export interface CardsUnderTest {
  readonly cards: CardStore;
  readonly ledger: Ledger;
  /** A new account without credit, made so long ago. */
  openAccount(ageMs?: number): Promise<string>;
  /** Makes everything older, as if time had passed. */
  passTime(ms: number): Promise<void>;
}

export type OpenCards = () => Promise<CardsUnderTest>;

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const pepper = createCardPepper(1, new Uint8Array(32).fill(7));

/** A batch with its codes; five messages a card for thirty days, but for what is said otherwise. */
export async function makeBatch(
  cards: CardStore,
  over: Partial<BatchOrder> = {},
): Promise<{ name: string; codes: string[] }> {
  const order: BatchOrder = {
    name: `b-${createId(new Date()).slice(-12)}`,
    count: 3,
    unit: "message",
    amount: 5n,
    validDays: 30,
    redeemUntil: null,
    renewal: null,
    modelScope: null,
    perAccountMax: null,
    createdBy: "telegram:1",
    ...over,
  };
  const { name, fileText } = await createBatch(cards, pepper, order, new Date());
  return { name, codes: fileText.trimEnd().split("\n") };
}

/** One try by an account from an identity of its own, or the one that is named. */
export async function tryCode(
  cards: CardStore,
  accountId: string,
  code: string | undefined,
  identityKey = accountId,
): Promise<RedeemOutcome> {
  if (code === undefined) throw new Error("there is no such code");
  const { outcome } = await cards.redeem({ accountId, identityKey }, [pepper.hmac(code)]);
  return outcome;
}

/** A well-formed code that nobody printed. */
export function wrongCode(): string {
  return createCodes("N0NE", 1).join("");
}
