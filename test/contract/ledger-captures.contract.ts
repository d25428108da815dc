import { describe, expect, it } from "vitest";
import {
  DAY_MS,
  holdOf,
  inDays,
  lotOf,
  mustHold,
  type OpenLedger,
  openWith,
} from "./ledger-under-test.ts";

/** How holds end. */
export function ledgerCapturesContract(name: string, open: OpenLedger): void {
  describe(`${name} keeps the ledger contract: captures and releases`, () => {
    it("charges the captured part and gives back the rest, last taken first", async () => {
      const { ledger, account, remaining } = await openWith(
        open,
        [30n, { kind: "trial" }],
        [30n, { kind: "card" }],
        [30n, { kind: "paid" }],
      );
      const { holdId } = await mustHold(ledger, holdOf(account, 80n));
      expect(await remaining()).toEqual([10n]);
      expect(await ledger.captureHold(holdId, 40n)).toEqual({
        status: "captured",
        captured: 40n,
      });
      expect(await remaining()).toEqual([20n, 30n]);
      expect((await ledger.balance(account)).held.credit).toBe(0n);
    });

    it("captures once: the same amount again is repeated, another one is refused", async () => {
      const { ledger, account } = await openWith(open, [100n]);
      const { holdId } = await mustHold(ledger, holdOf(account, 60n));
      await ledger.captureHold(holdId, 25n);
      expect(await ledger.captureHold(holdId, 25n)).toEqual({
        status: "repeated",
        captured: 25n,
      });
      await expect(ledger.captureHold(holdId, 26n)).rejects.toThrow("another amount");
      await ledger.releaseHold(holdId);
      expect((await ledger.balance(account)).available.credit).toBe(75n);
    });

    it("refuses to capture more than was held, or less than nothing", async () => {
      const { ledger, account } = await openWith(open, [100n]);
      const { holdId } = await mustHold(ledger, holdOf(account, 60n));
      await expect(ledger.captureHold(holdId, 61n)).rejects.toThrow("does not fit");
      await expect(ledger.captureHold(holdId, -1n)).rejects.toThrow("does not fit");
      expect((await ledger.captureHold(holdId, 60n)).captured).toBe(60n);
    });

    it("is after a release what it was before the hold", async () => {
      const { ledger, account } = await openWith(
        open,
        [30n, { kind: "trial", validUntil: inDays(2) }],
        [30n, { kind: "paid" }],
      );
      const before = await ledger.balance(account);
      const { holdId } = await mustHold(ledger, holdOf(account, 45n));
      await ledger.releaseHold(holdId);
      await ledger.releaseHold(holdId);
      expect(await ledger.balance(account)).toEqual(before);
      await expect(ledger.captureHold(holdId, 45n)).rejects.toThrow("was released");
    });

    it("returns what belongs to a lot that ended meanwhile to breakage, and honours the rest", async () => {
      const { ledger, account, passTime, remaining } = await openWith(
        open,
        [30n, { validUntil: inDays(1) }],
        [30n],
      );
      const { holdId } = await mustHold(ledger, holdOf(account, 50n, { leaseMs: 3 * DAY_MS }));
      await passTime(DAY_MS + 1000);
      expect((await ledger.captureHold(holdId, 12n)).captured).toBe(12n);
      expect(await remaining()).toEqual([30n]);
      const breakage = (await ledger.listEntries(account, 20)).filter(
        (entry) => entry.toAccount === "breakage",
      );
      expect(breakage.map((entry) => entry.amount)).toEqual([18n]);
    });

    it("throws for a hold that never was", async () => {
      const { ledger } = await openWith(open);
      const unknown = "0190a1b2-0000-7000-8000-000000000000";
      await expect(ledger.captureHold(unknown, 0n)).rejects.toThrow("there is no hold");
      await expect(ledger.releaseHold(unknown)).rejects.toThrow("there is no hold");
      await expect(ledger.renewHold(unknown, 1000)).rejects.toThrow("there is no hold");
    });
  });

  describe(`${name} keeps the ledger contract: leases`, () => {
    it("releases a hold whose lease ran out, and not a minute before", async () => {
      const { ledger, account, passTime } = await openWith(open, [100n]);
      const { holdId } = await mustHold(ledger, holdOf(account, 60n, { leaseMs: 10 * 60_000 }));
      await passTime(9 * 60_000);
      expect(await ledger.releaseLapsedHolds(100)).toBe(0);
      await passTime(60_000);
      expect(await ledger.releaseLapsedHolds(100)).toBe(1);
      expect(await ledger.releaseLapsedHolds(100)).toBe(0);
      expect((await ledger.balance(account)).available.credit).toBe(100n);
      expect(await ledger.renewHold(holdId, 60_000)).toBe(false);
    });

    it("keeps a hold that is renewed, and never shortens its lease", async () => {
      const { ledger, account, passTime } = await openWith(open, [100n]);
      const { holdId } = await mustHold(ledger, holdOf(account, 60n, { leaseMs: 10 * 60_000 }));
      await passTime(9 * 60_000);
      expect(await ledger.renewHold(holdId, 10 * 60_000)).toBe(true);
      expect(await ledger.renewHold(holdId, 1)).toBe(true);
      await passTime(9 * 60_000);
      expect(await ledger.releaseLapsedHolds(100)).toBe(0);
    });

    it("releases no more lapsed holds at a time than asked", async () => {
      const { ledger, account, passTime } = await openWith(open, [100n]);
      for (let index = 0; index < 3; index += 1) await mustHold(ledger, holdOf(account, 10n));
      await passTime(60_000);
      expect(await ledger.releaseLapsedHolds(2)).toBe(2);
      expect(await ledger.releaseLapsedHolds(2)).toBe(1);
    });

    it("charges a lapsed hold afresh, from what is there", async () => {
      const { ledger, account, passTime, remaining } = await openWith(open, [100n]);
      const { holdId } = await mustHold(ledger, holdOf(account, 60n));
      await passTime(60_000);
      await ledger.releaseLapsedHolds(100);
      await mustHold(ledger, holdOf(account, 70n));
      expect(await ledger.captureHold(holdId, 50n)).toEqual({
        status: "captured",
        captured: 30n,
      });
      expect(await remaining()).toEqual([]);
      expect(await ledger.captureHold(holdId, 50n)).toEqual({
        status: "repeated",
        captured: 30n,
      });
      await expect(ledger.captureHold(holdId, 30n)).rejects.toThrow("another amount");
    });

    it("charges a lapsed hold from lots of its unit and model only", async () => {
      const { ledger, account, passTime } = await openWith(open, [2n, { unit: "message" }]);
      const { holdId } = await mustHold(ledger, holdOf(account, 60n, { messageCost: 2n }));
      await passTime(60_000);
      await ledger.releaseLapsedHolds(100);
      await mustHold(ledger, holdOf(account, 60n, { messageCost: 2n }));
      await ledger.grant(lotOf(account, 500n));
      await ledger.grant(lotOf(account, 5n, { unit: "message", modelScope: ["o3"] }));
      expect((await ledger.captureHold(holdId, 2n)).captured).toBe(0n);
    });
  });
}
