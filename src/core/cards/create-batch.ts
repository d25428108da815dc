import { createHash } from "node:crypto";
import { createId } from "../ids.ts";
import { type BatchOrder, checkOrder, exportText, type NewCard, prefixOf } from "./card-batch.ts";
import { type CardPepper, createCodes } from "./card-code.ts";
import type { CardStore } from "./card-store.ts";

/** Cards are hashed and saved in portions, so that other work gets its turn in between. */
const CARDS_PER_CHUNK = 1_000;

/** A new batch; its codes exist here and nowhere else. */
export interface CreatedBatch {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  /** The file to hand out once, exactly as hashed. */
  readonly fileText: string;
  readonly sha256: string;
}

/**
 * Makes a batch of cards; `checkFile` sees the file before anything is made and may throw. Throws `UserError("name_invalid" | "count_invalid" | "amount_invalid" |
 * "days_invalid" | "date_invalid" | "batch_exists")`; then nothing was made.
 */
export async function createBatch(
  store: CardStore,
  pepper: CardPepper,
  order: BatchOrder,
  now: Date,
  checkFile: (fileText: string) => Promise<void> = async () => {},
): Promise<CreatedBatch> {
  checkOrder(order, now);
  const prefix = prefixOf(order.name);
  const codes = createCodes(prefix, order.count);
  const fileText = exportText(codes);
  await checkFile(fileText);
  const sha256 = createHash("sha256").update(fileText).digest("hex");
  const id = createId(now);
  const renewal = order.renewal ?? (order.unit === "message" ? "extend" : "separate");
  await store.createBatch(
    { ...order, id, prefix, renewal, exportSha256: sha256 },
    cardsOf(codes, pepper, now),
  );
  return { id, name: order.name, prefix, fileText, sha256 };
}

function* cardsOf(
  codes: readonly string[],
  pepper: CardPepper,
  now: Date,
): Generator<readonly NewCard[]> {
  for (let start = 0; start < codes.length; start += CARDS_PER_CHUNK) {
    yield codes.slice(start, start + CARDS_PER_CHUNK).map((code, index) => ({
      id: createId(now),
      serial: start + index + 1,
      codeHmac: pepper.hmac(code),
      pepperVersion: pepper.version,
      last4: code.slice(-4),
    }));
  }
}
