import type { Shop } from "./shop.ts";
import { WORD } from "./simulated-process.ts";

const ALL = 1_000_000;

/** What must hold at every moment; the first thing that does not, or `null`. */
export async function checkBooks(shop: Shop): Promise<string | null> {
  const owned = new Map<string, bigint>();
  const seen = new Set<bigint>();
  for (const accountId of shop.accounts) {
    for (const entry of await shop.ledger.listEntries(accountId, ALL)) {
      if (seen.has(entry.id)) continue;
      seen.add(entry.id);
      const move = (account: string, amount: bigint) => {
        const key = `${account} ${entry.unit}`;
        owned.set(key, (owned.get(key) ?? 0n) + amount);
      };
      move(entry.fromAccount, -entry.amount);
      move(entry.toAccount, entry.amount);
    }
  }
  for (const accountId of shop.accounts) {
    const { available, held } = await shop.ledger.balance(accountId);
    for (const unit of ["credit", "message"] as const) {
      const booked = owned.get(`user:${accountId} ${unit}`) ?? 0n;
      const bookedHeld = owned.get(`held:${accountId} ${unit}`) ?? 0n;
      if (available[unit] < 0n || held[unit] < 0n) return `I1: ${accountId} is below zero`;
      // Lots that ended and were not swept yet are in the books and cannot be used.
      if (booked < available[unit])
        return `I1: ${accountId} has ${available[unit]}, booked ${booked}`;
      if (bookedHeld !== held[unit]) return `I1: ${held[unit]} held, ${bookedHeld} booked`;
    }
  }
  const printed = -(owned.get("cards:B credit") ?? 0n);
  const redeemed = BigInt(shop.redeemed.size) * shop.cardValue;
  if (printed !== redeemed) return `I2: cards for ${redeemed} gave ${printed}`;
  const revenue = (owned.get("revenue credit") ?? 0n) + (owned.get("revenue message") ?? 0n);
  const charged = [...shop.replies.rows.values()].reduce((sum, { charge }) => sum + charge, 0n);
  return revenue === charged ? null : `I2: ${charged} charged, ${revenue} earned`;
}

/** What must hold once everything is over. */
export async function checkEnd(shop: Shop): Promise<string | null> {
  for (const accountId of shop.accounts) {
    const { held } = await shop.ledger.balance(accountId);
    if (held.credit + held.message !== 0n) return `I3: ${accountId} still has a hold`;
  }
  for (const row of shop.replies.rows.values()) {
    const name = `reply ${row.openedIndex} (${row.state}${row.failure === null ? "" : `, ${row.failure}`})`;
    if (row.answeredAt === null) return `I5: ${name} never ended`;
    if (row.deliveredAt === null || row.deliveries !== 1) {
      return `I5: ${name} was delivered ${row.deliveries} times`;
    }
    const words = (row.text ?? "").length / WORD.length;
    const isWhole = row.state === "delivered" && row.failure === null;
    if (isWhole && words !== shop.words.get(row.conversationId)) return `I6: ${name} lost words`;
    if (words === 0 && row.charge !== 0n) return `I4: ${name} costs ${row.charge} for nothing`;
    const due = row.unit === "message" ? 1n : BigInt((row.inputTokens ?? 0) + 3 * words);
    const isFree = row.freeReason !== null || words === 0;
    // A hold that lapsed while its process was dead is charged afresh from what is there.
    if (!isFree && row.charge > due) return `I4: ${name} costs ${row.charge}, ${due} came`;
    if (!isFree && row.charge < due && row.heldAmount >= due && row.attempts === 1) {
      return `I4: ${name} costs only ${row.charge} of ${due}`;
    }
  }
  return null;
}
