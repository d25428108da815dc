import { describe, expect, it } from "vitest";
import { cardGuessesContract } from "./card-guesses.contract.ts";
import { cardStockContract } from "./card-stock.contract.ts";
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  makeBatch,
  type OpenCards,
  pepper,
  tryCode,
  wrongCode,
} from "./card-store-under-test.ts";

const IN_VAIN = { status: "invalid_or_used" };

/** What any card store must do, whatever keeps its cards. */
export function cardStoreContract(name: string, open: OpenCards): void {
  cardGuessesContract(name, open);
  cardStockContract(name, open);

  describe(`${name} keeps the card store contract: batches`, () => {
    it("shows a batch with what became of its cards, newest batch first", async () => {
      const { cards, openAccount } = await open();
      const older = await makeBatch(cards, { count: 2 });
      const { name: batch, codes } = await makeBatch(cards, {
        amount: 1_500_000n,
        unit: "credit",
        modelScope: ["o3"],
        perAccountMax: 2,
      });
      await tryCode(cards, await openAccount(), codes[0]);
      expect(await cards.findBatch(batch)).toMatchObject({
        name: batch,
        unit: "credit",
        amount: 1_500_000n,
        validDays: 30,
        redeemUntil: null,
        state: "active",
        renewal: "separate",
        modelScope: ["o3"],
        perAccountMax: 2,
        count: 3,
        createdBy: "telegram:1",
        cards: { active: 2, redeemed: 1, void: 0 },
      });
      const names = (await cards.listBatches(2)).map((listed) => listed.name);
      expect(names).toEqual([batch, older.name]);
      expect(await cards.findBatch("nobody made this")).toBeNull();
    });

    it("uses a name once", async () => {
      const { cards } = await open();
      const { name: batch, codes } = await makeBatch(cards);
      await expect(makeBatch(cards, { name: batch })).rejects.toMatchObject({
        code: "batch_exists",
        details: { name: batch },
      });
      expect((await cards.findBatch(batch))?.cards.active).toBe(codes.length);
    });

    it("takes a batch name for the same whatever its case", async () => {
      const { cards } = await open();
      const { name: batch } = await makeBatch(cards);
      const other = batch === batch.toUpperCase() ? batch.toLowerCase() : batch.toUpperCase();
      await expect(makeBatch(cards, { name: other })).rejects.toMatchObject({
        code: "batch_exists",
      });
      expect((await cards.findBatch(other))?.name).toBe(batch);
      expect((await cards.changeBatch(other, "freeze")).after.state).toBe("frozen");
    });

    it("redeems nothing of a frozen batch until it is unfrozen", async () => {
      const { cards, openAccount } = await open();
      const { name: batch, codes } = await makeBatch(cards);
      const account = await openAccount();
      const { before, after } = await cards.changeBatch(batch, "freeze");
      expect([before.state, after.state]).toEqual(["active", "frozen"]);
      expect(await tryCode(cards, account, codes[0])).toEqual(IN_VAIN);
      await cards.changeBatch(batch, "unfreeze");
      expect((await tryCode(cards, account, codes[0])).status).toBe("redeemed");
    });

    it("voids only cards that nobody redeemed, and for good", async () => {
      const { cards, ledger, openAccount } = await open();
      const { name: batch, codes } = await makeBatch(cards);
      const account = await openAccount();
      await tryCode(cards, account, codes[0]);
      const { after } = await cards.changeBatch(batch, "void");
      expect(after.cards).toEqual({ active: 0, redeemed: 1, void: 2 });
      expect(await tryCode(cards, account, codes[1])).toEqual(IN_VAIN);
      expect((await ledger.balance(account)).available.message).toBe(5n);
      for (const change of ["freeze", "unfreeze", "void"] as const) {
        await expect(cards.changeBatch(batch, change)).rejects.toMatchObject({
          code: "batch_state",
          details: { state: "void" },
        });
      }
    });

    it("refuses what a batch's state does not allow, and unknown batches", async () => {
      const { cards } = await open();
      const { name: batch } = await makeBatch(cards);
      await expect(cards.changeBatch(batch, "unfreeze")).rejects.toMatchObject({
        code: "batch_state",
      });
      await cards.changeBatch(batch, "freeze");
      await expect(cards.changeBatch(batch, "freeze")).rejects.toMatchObject({
        code: "batch_state",
      });
      await cards.changeBatch(batch, "void");
      await expect(cards.changeBatch("unknown", "freeze")).rejects.toMatchObject({
        code: "unknown_batch",
      });
    });
  });

  describe(`${name} keeps the card store contract: redeeming`, () => {
    it("turns a card into a lot that lasts from now on", async () => {
      const { cards, ledger, openAccount } = await open();
      const { name: batch, codes } = await makeBatch(cards, { modelScope: ["o3"], validDays: 7 });
      const account = await openAccount();
      const outcome = await tryCode(cards, account, codes[0]);
      expect(outcome).toEqual({
        status: "redeemed",
        unit: "message",
        amount: 5n,
        validUntil: expect.any(Date),
        isExtended: false,
      });
      const { lots } = await ledger.balance(account);
      expect(lots).toMatchObject([
        { unit: "message", kind: "card", granted: 5n, remaining: 5n, modelScope: ["o3"] },
      ]);
      const lastsMs = (lots[0]?.validUntil?.getTime() ?? 0) - Date.now();
      expect(Math.abs(lastsMs - 7 * DAY_MS)).toBeLessThan(MINUTE_MS);
      expect(await ledger.listEntries(account, 5)).toMatchObject([
        { fromAccount: `cards:${batch}`, toAccount: `user:${account}`, amount: 5n },
      ]);
    });

    it("tells the owner that a card is theirs, and everybody else the same as for a wrong code", async () => {
      const { cards, ledger, openAccount } = await open();
      const { name: batch, codes } = await makeBatch(cards, { perAccountMax: 1 });
      const [owner, stranger] = [await openAccount(), await openAccount()];
      await tryCode(cards, owner, codes[0]);
      await cards.changeBatch(batch, "freeze");
      expect(await tryCode(cards, owner, codes[0])).toEqual({ status: "already_yours" });
      expect(await tryCode(cards, stranger, codes[0])).toEqual(IN_VAIN);
      expect(await tryCode(cards, stranger, codes[1])).toEqual(IN_VAIN);
      expect(await tryCode(cards, stranger, wrongCode())).toEqual(IN_VAIN);
      await cards.changeBatch(batch, "void");
      expect(await tryCode(cards, stranger, codes[1])).toEqual(IN_VAIN);
      expect((await ledger.balance(owner)).available.message).toBe(5n);
      expect((await ledger.balance(stranger)).lots).toEqual([]);
    });

    it("finds a card by the HMAC under an older pepper", async () => {
      const { cards, openAccount } = await open();
      const { codes } = await makeBatch(cards);
      const accountId = await openAccount();
      const hmacs = [new Uint8Array(32), pepper.hmac(codes[0] ?? "")];
      const { outcome } = await cards.redeem({ accountId, identityKey: accountId }, hmacs);
      expect(outcome.status).toBe("redeemed");
    });

    it("lets an account redeem as many cards of a batch as the batch says", async () => {
      const { cards, openAccount } = await open();
      const { codes } = await makeBatch(cards, { perAccountMax: 2 });
      const account = await openAccount();
      expect((await tryCode(cards, account, codes[0])).status).toBe("redeemed");
      expect((await tryCode(cards, account, codes[1])).status).toBe("redeemed");
      expect(await tryCode(cards, account, codes[2])).toEqual({ status: "limit_per_account" });
      expect((await tryCode(cards, await openAccount(), codes[2])).status).toBe("redeemed");
    });

    it("redeems codes until their date and not after", async () => {
      const { cards, openAccount, passTime } = await open();
      const redeemUntil = new Date(Date.now() + HOUR_MS);
      const { codes } = await makeBatch(cards, { redeemUntil });
      const account = await openAccount();
      expect((await tryCode(cards, account, codes[0])).status).toBe("redeemed");
      await passTime(HOUR_MS + 1_000);
      expect(await tryCode(cards, account, codes[1])).toEqual(IN_VAIN);
    });

    it("gives older card lots of the same sort the later date when the batch extends", async () => {
      const { cards, ledger, openAccount, passTime } = await open();
      const short = await makeBatch(cards, { validDays: 10 });
      const scoped = await makeBatch(cards, { validDays: 10, modelScope: ["o3"] });
      const credit = await makeBatch(cards, { validDays: 10, unit: "credit" });
      const long = await makeBatch(cards, { validDays: 30 });
      const account = await openAccount();
      for (const { codes } of [short, scoped, credit]) await tryCode(cards, account, codes[0]);
      await passTime(9 * DAY_MS);
      expect(await tryCode(cards, account, long.codes[0])).toMatchObject({ isExtended: true });
      await passTime(2 * DAY_MS);
      const { lots } = await ledger.balance(account);
      expect(lots.map((lot) => [lot.unit, lot.modelScope])).toEqual([
        ["message", null],
        ["message", null],
      ]);
      await passTime(28 * DAY_MS);
      expect((await ledger.balance(account)).lots).toEqual([]);
    });

    it("does not extend lots that ended, last longer, or are of a batch that keeps apart", async () => {
      const { cards, openAccount, passTime } = await open();
      const batch = await makeBatch(cards, { validDays: 10 });
      const apart = await makeBatch(cards, { validDays: 30, renewal: "separate" });
      const account = await openAccount();
      await tryCode(cards, account, batch.codes[0]);
      expect(await tryCode(cards, account, apart.codes[0])).toMatchObject({ isExtended: false });
      await passTime(11 * DAY_MS);
      expect(await tryCode(cards, account, batch.codes[1])).toMatchObject({ isExtended: false });
    });
  });
}
