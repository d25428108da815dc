import { describe, expect, it } from "vitest";
import { lowStockBound } from "../../src/core/cards/low-stock.ts";

describe("lowStockBound", () => {
  it.each([
    [19, 0],
    [20, 10],
    [100, 10],
    [101, 11],
    [10_000, 1_000],
  ])("of a batch of %i cards is %i", (count, bound) => {
    expect(lowStockBound(count)).toBe(bound);
  });
});
