import { describe, expect, it } from "vitest";
import { parseCardOrder } from "../../src/core/commands/card-order.ts";
import { type Model, ModelCatalog } from "../../src/core/upstream/model-catalog.ts";

const price = { input: 1n, cachedInput: 1n, output: 1n, messageCost: 1n };
const models = new ModelCatalog(
  ["GPT-A", "gpt-b"].map(
    (name): Model => ({
      name,
      price,
      cost: price,
      contextTokens: 1000,
      outputTokensMax: 100,
      images: false,
    }),
  ),
  () => new Map(),
);
const read = (text: string) =>
  parseCardOrder(text.split(" "), {
    actor: "telegram:1",
    models,
    now: new Date("2026-11-23T12:00:00Z"),
  });

describe("parseCardOrder", () => {
  it("reads an order without options as unlimited", () => {
    expect(read("SPRING 100 50m 30")).toEqual({
      name: "SPRING",
      count: 100,
      unit: "message",
      amount: 50n,
      validDays: 30,
      redeemUntil: null,
      renewal: null,
      modelScope: null,
      perAccountMax: null,
      createdBy: "telegram:1",
    });
  });

  it("reads options in any order and writes models as they are sold", () => {
    expect(read("A 1 5 30 models=gpt-a,GPT-B,gpt-a LIMIT=2 expires=2026-11-23")).toMatchObject({
      modelScope: ["GPT-A", "gpt-b"],
      perAccountMax: 2,
      redeemUntil: new Date("2026-11-24T00:00:00Z"),
    });
  });

  it.each([
    ["A 1 5", "usage"],
    ["A 1 5 30 limit=", "usage"],
    ["A 1 5 30 limit=1 limit=2", "usage"],
    ["A 1 5 30 colour=red", "usage"],
    ["A 1 5 30 expires=tomorrow", "usage"],
    ["A 1 5 30 models=,", "usage"],
    ["A 1 5 30 limit=-1", "count_invalid"],
    ["A 1 5 30 limit=x", "count_invalid"],
    ["A x 5 30", "count_invalid"],
    ["A 1 5 x", "days_invalid"],
    ["A 1 5 30 expires=2026-11-22", "date_invalid"],
    ["A 1 5 30 expires=2026-02-30", "date_invalid"],
    ["A 1 5 30 models=gpt-a,gpt-c", "unknown_model"],
  ])("refuses %j with %s", (text, code) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code }));
  });
});
