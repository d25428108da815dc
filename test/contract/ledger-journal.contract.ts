import { describe, expect, it } from "vitest";
import { holdOf, lotOf, mustHold, type OpenLedger, openWith } from "./ledger-under-test.ts";

/** What a ledger remembers, and how a grant is taken back. */
export function ledgerJournalContract(name: string, open: OpenLedger): void {
  describe(`${name} keeps the ledger contract: journal and undo`, () => {
    it("lists the newest lines of an account first, and no more than asked", async () => {
      const { ledger, account } = await openWith(open, [100n]);
      const { holdId } = await mustHold(ledger, holdOf(account, 60n));
      await ledger.captureHold(holdId, 25n);
      const lines = (await ledger.listEntries(account, 10)).map((entry) => [
        entry.fromAccount,
        entry.toAccount,
        entry.amount,
      ]);
      expect(lines).toEqual([
        [`held:${account}`, `user:${account}`, 35n],
        [`held:${account}`, "revenue", 25n],
        [`user:${account}`, `held:${account}`, 60n],
        ["promotions", `user:${account}`, 100n],
      ]);
      expect(await ledger.listEntries(account, 2)).toHaveLength(2);
    });

    it("finds the line by which a cause granted its lot", async () => {
      const { ledger, account } = await openWith(open);
      const lot = lotOf(account, 100n);
      await ledger.grant(lot);
      const [entry] = await ledger.listEntries(account, 1);
      expect(await ledger.findGrantEntry(lot.cause)).toBe(entry?.id);
      await expect(ledger.findGrantEntry("never")).rejects.toThrow();
    });

    it("takes back what is left of a grant, once", async () => {
      const { ledger, account, remaining } = await openWith(open);
      const lot = lotOf(account, 100n);
      await ledger.grant(lot);
      await ledger.grant(lotOf(account, 8n));
      const { holdId } = await mustHold(ledger, holdOf(account, 30n));
      await ledger.captureHold(holdId, 30n);
      const entry = await ledger.findGrantEntry(lot.cause);
      expect(await ledger.undo(entry, "by mistake")).toEqual({
        accountId: account,
        unit: "credit",
        amount: 70n,
      });
      expect(await remaining()).toEqual([8n]);
      expect((await ledger.listEntries(account, 1))[0]).toMatchObject({
        fromAccount: `user:${account}`,
        toAccount: "promotions",
        amount: 70n,
        reason: "by mistake",
      });
      await expect(ledger.undo(entry, "again")).rejects.toMatchObject({ code: "already_undone" });
      const undone = { accountId: account, unit: "credit", amount: 70n };
      expect(await ledger.findUndone(entry)).toEqual(undone);
      await expect(ledger.findUndone(999_999_999n)).rejects.toThrow();
    });

    it("does not give back the held part of a lot that was undone meanwhile", async () => {
      const { ledger, account } = await openWith(open);
      const lot = lotOf(account, 100n);
      await ledger.grant(lot);
      const { holdId } = await mustHold(ledger, holdOf(account, 30n));
      await ledger.undo(await ledger.findGrantEntry(lot.cause), "by mistake");
      await ledger.releaseHold(holdId);
      expect((await ledger.balance(account)).available.credit).toBe(0n);
    });

    it("refuses to undo what is no grant, is used up, or never was", async () => {
      const { ledger, account } = await openWith(open);
      const lot = lotOf(account, 100n);
      await ledger.grant(lot);
      const { holdId } = await mustHold(ledger, holdOf(account, 100n));
      await ledger.captureHold(holdId, 100n);
      const [capture] = await ledger.listEntries(account, 1);
      await expect(ledger.undo(capture?.id ?? 0n, "no")).rejects.toMatchObject({
        code: "cannot_undo",
      });
      await expect(ledger.undo(await ledger.findGrantEntry(lot.cause), "no")).rejects.toMatchObject(
        { code: "cannot_undo" },
      );
      await expect(ledger.undo(999_999_999n, "no")).rejects.toMatchObject({
        code: "unknown_entry",
        details: { entry: "999999999" },
      });
    });
  });
}
