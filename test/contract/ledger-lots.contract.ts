import { describe, expect, it } from "vitest";
import {
  DAY_MS,
  holdOf,
  inDays,
  lotOf,
  MODEL,
  mustHold,
  type OpenLedger,
  openWith,
} from "./ledger-under-test.ts";

/** How a ledger keeps and orders lots. */
export function ledgerLotsContract(name: string, open: OpenLedger): void {
  describe(`${name} keeps the ledger contract: lots`, () => {
    it("shows an account without credit as empty", async () => {
      const { ledger, account } = await openWith(open);
      expect(await ledger.balance(account)).toEqual({
        lots: [],
        available: { credit: 0n, message: 0n },
        held: { credit: 0n, message: 0n },
      });
      expect(await ledger.listEntries(account, 10)).toEqual([]);
    });

    it("grants a lot once when the same cause arrives twice", async () => {
      const { ledger, account } = await openWith(open);
      const lot = lotOf(account, 100n, { validUntil: inDays(3), modelScope: [MODEL] });
      expect(await ledger.grant(lot)).toBe(true);
      expect(await ledger.grant(lot)).toBe(false);
      expect(await ledger.grant({ ...lot, amount: 500n })).toBe(false);
      const { lots, available } = await ledger.balance(account);
      expect(available).toEqual({ credit: 100n, message: 0n });
      expect(lots).toEqual([
        {
          id: expect.any(String),
          unit: "credit",
          kind: "gift",
          granted: 100n,
          remaining: 100n,
          validUntil: lot.validUntil,
          modelScope: [MODEL],
        },
      ]);
    });

    it("refuses a lot of nothing", async () => {
      const { ledger, account } = await openWith(open);
      await expect(ledger.grant(lotOf(account, 0n))).rejects.toThrow();
      await expect(ledger.grant(lotOf(account, -1n))).rejects.toThrow();
    });

    it("lists lots in the order of use: priority, date, kind, age", async () => {
      const soon = inDays(1);
      const later = inDays(2);
      const { remaining } = await openWith(
        open,
        [1n, { kind: "trial" }],
        [2n, { kind: "paid", validUntil: later }],
        [3n, { kind: "trial", validUntil: later }],
        [4n, { kind: "card", validUntil: later }],
        [5n, { kind: "paid", validUntil: soon }],
        [6n, { kind: "paid", priority: 10 }],
        [7n, { kind: "gift", priority: 90, validUntil: soon }],
      );
      expect(await remaining()).toEqual([6n, 5n, 3n, 4n, 2n, 1n, 7n]);
    });

    it("uses Stigg's example grants in Stigg's order", async () => {
      // https://docs.stigg.io: A and B end together, B is promotional; C has a later priority.
      const { ledger, account, remaining } = await openWith(
        open,
        [10n, { kind: "paid", priority: 1, validUntil: inDays(30) }],
        [20n, { kind: "gift", priority: 1, validUntil: inDays(30) }],
        [40n, { kind: "gift", priority: 2, validUntil: inDays(13) }],
      );
      expect(await remaining()).toEqual([20n, 10n, 40n]);
      await mustHold(ledger, holdOf(account, 25n));
      expect(await remaining()).toEqual([5n, 40n]);
    });

    it("does not count a lot that has ended, and books its rest as breakage once", async () => {
      const { ledger, account, passTime } = await openWith(
        open,
        [100n, { validUntil: inDays(1) }],
        [7n],
      );
      await passTime(DAY_MS + 1000);
      expect((await ledger.balance(account)).available.credit).toBe(7n);
      expect(await ledger.expireLots(100)).toBe(1);
      expect(await ledger.expireLots(100)).toBe(0);
      const [newest] = await ledger.listEntries(account, 1);
      expect(newest).toMatchObject({
        fromAccount: `user:${account}`,
        toAccount: "breakage",
        amount: 100n,
      });
    });

    it("ends no more lots at a time than asked", async () => {
      const short = { validUntil: inDays(1) };
      const { ledger, passTime } = await openWith(open, [1n, short], [2n, short], [3n, short]);
      await passTime(DAY_MS + 1000);
      expect(await ledger.expireLots(2)).toBe(2);
      expect(await ledger.expireLots(2)).toBe(1);
    });
  });
}
