import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { BatchOrder } from "../../src/core/cards/card-batch.ts";
import { isCode } from "../../src/core/cards/card-code.ts";
import { createBatch } from "../../src/core/cards/create-batch.ts";
import { pepper } from "../contract/card-store-under-test.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryCardStore } from "../fakes/memory-card-store.ts";
import { MemoryLedger } from "../fakes/memory-ledger.ts";

const now = new Date("2026-11-23T12:00:00Z");
const order: BatchOrder = {
  name: "spring-2026",
  count: 3,
  unit: "message",
  amount: 100n,
  validDays: 30,
  redeemUntil: null,
  renewal: null,
  modelScope: null,
  perAccountMax: null,
  createdBy: "telegram:1",
};

function openStore(): MemoryCardStore {
  const clock = new FakeClock({ start: now });
  return new MemoryCardStore(new MemoryLedger(clock), clock);
}

const make = (over: Partial<BatchOrder>) =>
  createBatch(openStore(), pepper, { ...order, ...over }, now);

describe("createBatch", () => {
  it("hands out the codes once, as a file that every shop takes", async () => {
    const store = openStore();
    const { fileText, sha256, prefix } = await createBatch(store, pepper, order, now);
    // ASCII, LF, a code a line, no dashes: some shops split at them, others keep a "\r".
    expect(fileText).toMatch(/^([0-9A-Z]{26}\n){3}$/);
    const codes = fileText.trimEnd().split("\n");
    expect(codes.every((code) => isCode(code) && code.startsWith(prefix))).toBe(true);
    expect(sha256).toBe(createHash("sha256").update(fileText).digest("hex"));
    expect(await store.findBatch("spring-2026")).toMatchObject({
      prefix: "SPRN",
      exportSha256: sha256,
      count: 3,
    });
  });

  it("extends with cards of messages and keeps credit apart, unless told otherwise", async () => {
    const renewalOf = async (over: Partial<BatchOrder>) => {
      const store = openStore();
      await createBatch(store, pepper, { ...order, ...over }, now);
      return (await store.findBatch(order.name))?.renewal;
    };
    expect(await renewalOf({})).toBe("extend");
    expect(await renewalOf({ unit: "credit" })).toBe("separate");
    expect(await renewalOf({ unit: "credit", renewal: "extend" })).toBe("extend");
    expect(await renewalOf({ renewal: "separate" })).toBe("separate");
  });

  it.each<[string, Partial<BatchOrder>]>([
    ["one card", { count: 1 }],
    ["20,000 cards", { count: 20_000 }],
    ["cards for a day", { validDays: 1 }],
    ["cards for ten years", { validDays: 3_650 }],
    ["a Chinese name", { name: "春节-01" }],
    ["a long name", { name: "a".repeat(40) }],
    ["a date to come", { redeemUntil: new Date(now.getTime() + 1) }],
    ["one card an account", { perAccountMax: 1 }],
  ])("makes %s", async (_what, over) => {
    const { fileText } = await make(over);
    expect(fileText.trimEnd().split("\n")).toHaveLength(over.count ?? order.count);
  });

  it.each<[string, Partial<BatchOrder>]>([
    ["count_invalid", { count: 0 }],
    ["count_invalid", { count: 20_001 }],
    ["count_invalid", { count: 1.5 }],
    ["count_invalid", { count: Number.NaN }],
    ["count_invalid", { perAccountMax: 0 }],
    ["amount_invalid", { amount: 0n }],
    ["amount_invalid", { amount: -1n }],
    ["days_invalid", { validDays: 0 }],
    ["days_invalid", { validDays: 3_651 }],
    ["days_invalid", { validDays: 1.5 }],
    ["date_invalid", { redeemUntil: now }],
    ["date_invalid", { redeemUntil: new Date(Number.NaN) }],
    ["name_invalid", { name: "" }],
    ["name_invalid", { name: "a b" }],
    ["name_invalid", { name: "-a" }],
    ["name_invalid", { name: "a/b" }],
    ["name_invalid", { name: "a\nb" }],
    ["name_invalid", { name: "a".repeat(41) }],
  ])("answers %s to %o", async (code, over) => {
    await expect(make(over)).rejects.toMatchObject({ code });
  });
});
