import { describe, expect, it } from "vitest";
import { inParallel } from "../fakes/in-parallel.ts";
import {
  type CardsUnderTest,
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

/** How wrong guesses are counted. */
export function cardGuessesContract(name: string, open: OpenCards): void {
  describe(`${name} keeps the card store contract: guesses`, () => {
    const guess = async (under: CardsUnderTest, account: string, times: number) => {
      for (let time = 0; time < times; time += 1) await tryCode(under.cards, account, wrongCode());
    };

    it("refuses the sixth wrong code in ten minutes unseen, from any identity of the account", async () => {
      const under = await open();
      const { codes } = await makeBatch(under.cards);
      const account = await under.openAccount(2 * DAY_MS);
      await guess(under, account, 4);
      expect(await tryCode(under.cards, account, wrongCode())).toEqual(IN_VAIN);
      const locked = await tryCode(under.cards, account, codes[0], "another identity");
      expect(locked).toMatchObject({ status: "locked", until: expect.any(Date) });
      await under.passTime(15 * MINUTE_MS + 1_000);
      expect((await tryCode(under.cards, account, codes[0])).status).toBe("redeemed");
    });

    it("refuses the identity of the guesses under another account too, and nobody else", async () => {
      const under = await open();
      const { codes } = await makeBatch(under.cards);
      const [guesser, other] = [
        await under.openAccount(2 * DAY_MS),
        await under.openAccount(2 * DAY_MS),
      ];
      await guess(under, guesser, 5);
      expect((await tryCode(under.cards, other, codes[0], guesser)).status).toBe("locked");
      expect((await tryCode(under.cards, other, codes[0])).status).toBe("redeemed");
    });

    it("gives an account younger than a day two tries", async () => {
      const under = await open();
      const [young, grown] = [
        await under.openAccount(23 * HOUR_MS),
        await under.openAccount(25 * HOUR_MS),
      ];
      await guess(under, young, 2);
      await guess(under, grown, 2);
      expect((await tryCode(under.cards, young, wrongCode())).status).toBe("locked");
      expect(await tryCode(under.cards, grown, wrongCode())).toEqual(IN_VAIN);
    });

    it("doubles each further lock, and forgets after ten quiet minutes", async () => {
      const under = await open();
      const account = await under.openAccount(2 * DAY_MS);
      await guess(under, account, 4);
      await under.passTime(10 * MINUTE_MS);
      await guess(under, account, 5);
      await under.passTime(15 * MINUTE_MS + 1_000);
      await guess(under, account, 5);
      await under.passTime(29 * MINUTE_MS);
      expect((await tryCode(under.cards, account, wrongCode())).status).toBe("locked");
      await under.passTime(MINUTE_MS + 1_000);
      expect(await tryCode(under.cards, account, wrongCode())).toEqual(IN_VAIN);
    });

    it("counts typos and used cards lightly", async () => {
      const under = await open();
      const { codes } = await makeBatch(under.cards);
      await tryCode(under.cards, await under.openAccount(), codes[0]);
      const account = await under.openAccount(2 * DAY_MS);
      // 24 typos of a fifth and one of a tenth of a guess, twice: 4.8 and 0.1 and 0.1.
      for (let time = 0; time < 24; time += 1) {
        const attempt = await under.cards.redeem({ accountId: account, identityKey: account }, []);
        expect(attempt.outcome).toEqual({ status: "typo" });
      }
      expect(await tryCode(under.cards, account, codes[0])).toEqual(IN_VAIN);
      expect(await tryCode(under.cards, account, codes[0])).toEqual(IN_VAIN);
      expect((await tryCode(under.cards, account, codes[0])).status).toBe("locked");
    });

    it("counts nothing for what was right", async () => {
      const under = await open();
      const { codes } = await makeBatch(under.cards, { count: 20, perAccountMax: 19 });
      const account = await under.openAccount();
      for (const code of codes) await tryCode(under.cards, account, code);
      for (const code of codes) await tryCode(under.cards, account, code);
      const last = await tryCode(under.cards, account, codes[19]);
      expect(last).toEqual({ status: "limit_per_account" });
    });

    it("tells once when everybody together guesses too much, and whom it knows", async () => {
      const under = await open();
      await under.passTime(10 * MINUTE_MS);
      const { codes } = await makeBatch(under.cards);
      const buyer = await under.openAccount();
      await tryCode(under.cards, buyer, codes[0]);
      const storms = await inParallel(101, 10, async () => {
        const accountId = await under.openAccount();
        const redeemer = { accountId, identityKey: accountId };
        const one = await under.cards.redeem(redeemer, [pepper.hmac(wrongCode())]);
        const two = await under.cards.redeem(redeemer, [pepper.hmac(wrongCode())]);
        return [one.startsStorm, two.startsStorm];
      });
      expect(storms.flat().filter(Boolean)).toHaveLength(1);
      expect(await under.cards.readPressure(buyer)).toEqual({
        guesses: 202,
        isStorm: true,
        isKnown: true,
      });
      expect((await under.cards.readPressure(await under.openAccount())).isKnown).toBe(false);
      expect((await tryCode(under.cards, await under.openAccount(), codes[1])).status).toBe(
        "redeemed",
      );
      await under.passTime(10 * MINUTE_MS);
      expect((await under.cards.readPressure(buyer)).guesses).toBe(0);
    });

    it("forgets counts once they no longer matter", async () => {
      const under = await open();
      await under.passTime(3 * DAY_MS);
      while ((await under.cards.forgetOldGuesses(100)) > 0);
      const account = await under.openAccount(2 * DAY_MS);
      await guess(under, account, 5);
      await under.passTime(DAY_MS);
      expect(await under.cards.forgetOldGuesses(1)).toBe(0);
      await under.passTime(2 * DAY_MS);
      expect(await under.cards.forgetOldGuesses(1)).toBe(1);
    });
  });
}
