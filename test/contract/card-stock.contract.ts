import { describe, expect, it } from "vitest";
import { TellLowStock } from "../../src/core/cards/low-stock.ts";
import { inParallel } from "../fakes/in-parallel.ts";
import {
  type CardsUnderTest,
  HOUR_MS,
  makeBatch,
  type OpenCards,
  tryCode,
} from "./card-store-under-test.ts";

const LIST_MAX = 1_000;

/** What any card store must do for the notice that few cards of a batch are left. */
export function cardStockContract(name: string, open: OpenCards): void {
  describe(`${name} keeps the card store contract: stock`, () => {
    it("lists a batch once fewer cards are left than its bound, and until it is noted", async () => {
      const world = await open();
      const { name: batch, codes } = await makeBatch(world.cards, { count: 21 });
      await redeemAll(world, codes.slice(0, 11));
      expect(await lowOf(world, batch)).toEqual([]);
      await redeemAll(world, codes.slice(11, 12));
      const [low] = await lowOf(world, batch);
      expect(low).toMatchObject({ name: batch, left: 9, count: 21 });
      await world.cards.noteLowStockTold(low?.id ?? "");
      await redeemAll(world, codes.slice(12, 13));
      expect(await lowOf(world, batch)).toEqual([]);
    });

    it("leaves out what was never meant to be many, and what cannot be redeemed", async () => {
      const world = await open();
      const { cards } = world;
      const small = await makeBatch(cards, { count: 19 });
      const redeemUntil = new Date(Date.now() + HOUR_MS);
      const [frozen, ended, empty] = [
        await makeBatch(cards, { count: 20 }),
        await makeBatch(cards, { count: 20, redeemUntil }),
        await makeBatch(cards, { count: 20 }),
      ];
      for (const { codes } of [small, frozen, ended]) await redeemAll(world, codes.slice(0, 15));
      await redeemAll(world, empty.codes);
      expect(await lowOf(world, ended.name)).toHaveLength(1);
      await world.passTime(HOUR_MS + 1_000);
      await cards.changeBatch(frozen.name, "freeze");
      for (const { name: other } of [small, frozen, ended]) {
        expect(await lowOf(world, other)).toEqual([]);
      }
      expect(await lowOf(world, empty.name)).toMatchObject([{ left: 0 }]);
      await cards.changeBatch(frozen.name, "unfreeze");
      expect(await lowOf(world, frozen.name)).toMatchObject([{ left: 5 }]);
    });

    it("gives one notice when people redeem at once and several processes look at once", async () => {
      const world = await open();
      const { name: batch, codes } = await makeBatch(world.cards, { count: 20 });
      const told = new Map<string, string>();
      const notices = {
        // As the notice store does: what has a known cause is not added again.
        toAdmins: async (cause: string, text: string) => {
          if (!told.has(cause)) told.set(cause, text);
        },
      };
      const tell = () => new TellLowStock(world.cards, notices, { defaultLocale: "en" }).sweep();
      await redeemAll(world, codes.slice(0, 10));
      await tell();
      const ours = () => [...told.values()].filter((text) => text.includes(batch));
      expect(ours()).toEqual([]);
      await inParallel(4, 4, async (index) => {
        if (index < 2) await redeemAll(world, codes.slice(10 + index, 11 + index));
        await tell();
      });
      await tell();
      expect(ours()).toHaveLength(1);
      expect(ours()[0]).toMatch(/[89] of 20 cards/);
      expect(await lowOf(world, batch)).toEqual([]);
    });
  });
}

async function lowOf({ cards }: CardsUnderTest, batch: string) {
  return (await cards.listLowStock(LIST_MAX)).filter(({ name }) => name === batch);
}

async function redeemAll({ cards, openAccount }: CardsUnderTest, codes: readonly string[]) {
  const account = await openAccount();
  for (const code of codes) {
    expect(await tryCode(cards, account, code)).toMatchObject({ status: "redeemed" });
  }
}
