import { describe, expect, it } from "vitest";
import { holdOf, MODEL, mustHold, type OpenLedger, openWith } from "./ledger-under-test.ts";

/** What a ledger sets aside. */
export function ledgerHoldsContract(name: string, open: OpenLedger): void {
  describe(`${name} keeps the ledger contract: holds`, () => {
    it("sets aside what a hold asks for, and says so", async () => {
      const { ledger, account } = await openWith(open, [100n]);
      const request = holdOf(account, 60n);
      expect(await ledger.placeHold(request)).toEqual({
        status: "held",
        holdId: expect.any(String),
        unit: "credit",
        amount: 60n,
        existed: false,
      });
      const { available, held } = await ledger.balance(account);
      expect([available.credit, held.credit]).toEqual([40n, 60n]);
    });

    it("refuses a hold that the credit does not cover, by a single micro", async () => {
      const { ledger, account } = await openWith(open, [100n]);
      expect(await ledger.placeHold(holdOf(account, 101n))).toEqual({
        status: "insufficient",
        creditAvailable: 100n,
        messagesAvailable: 0n,
      });
      await mustHold(ledger, holdOf(account, 100n));
    });

    it("holds less than wanted down to the least that helps", async () => {
      const { ledger, account } = await openWith(open, [100n]);
      const short = await mustHold(ledger, holdOf(account, 500n, { creditMin: 100n }));
      expect(short.amount).toBe(100n);
      await ledger.releaseHold(short.holdId);
      const refused = await ledger.placeHold(holdOf(account, 500n, { creditMin: 101n }));
      expect(refused.status).toBe("insufficient");
    });

    it("pays in messages first where they cover the model and suffice, else in credit", async () => {
      const { ledger, account } = await openWith(
        open,
        [3n, { unit: "message", modelScope: [MODEL] }],
        [100n],
      );
      const inMessages = await mustHold(ledger, holdOf(account, 60n, { messageCost: 2n }));
      expect([inMessages.unit, inMessages.amount]).toEqual(["message", 2n]);
      const tooDear = await mustHold(ledger, holdOf(account, 10n, { messageCost: 2n }));
      expect(tooDear.unit).toBe("credit");
      const notInMessages = await mustHold(ledger, holdOf(account, 10n, { messageCost: null }));
      expect(notInMessages.unit).toBe("credit");
      const otherModel = await mustHold(ledger, holdOf(account, 10n, { model: "o3" }));
      expect(otherModel.unit).toBe("credit");
      const lastMessage = await mustHold(ledger, holdOf(account, 10n));
      expect(lastMessage.unit).toBe("message");
    });

    it("uses only lots that cover the model", async () => {
      const { ledger, account } = await openWith(open, [50n, { modelScope: ["o3"] }], [20n]);
      expect(await ledger.placeHold(holdOf(account, 21n))).toMatchObject({ creditAvailable: 20n });
      expect((await mustHold(ledger, holdOf(account, 70n, { model: "o3" }))).amount).toBe(70n);
    });

    it("holds nothing for a model that costs nothing", async () => {
      const { ledger, account } = await openWith(open);
      const free = await mustHold(ledger, holdOf(account, 0n));
      expect([free.unit, free.amount]).toEqual(["credit", 0n]);
      expect(await ledger.captureHold(free.holdId, 0n)).toEqual({
        status: "captured",
        captured: 0n,
      });
      const freeMessage = await mustHold(ledger, holdOf(account, 5n, { messageCost: 0n }));
      expect([freeMessage.unit, freeMessage.amount]).toEqual(["message", 0n]);
      await ledger.releaseHold(freeMessage.holdId);
      expect(await ledger.listEntries(account, 10)).toEqual([]);
    });

    it("holds once for one cause, and refuses the cause for something else", async () => {
      const { ledger, account } = await openWith(open, [100n]);
      const request = holdOf(account, 60n);
      const first = await mustHold(ledger, request);
      expect(await ledger.placeHold(request)).toEqual({ ...first, existed: true });
      expect((await ledger.balance(account)).available.credit).toBe(40n);
      await expect(
        ledger.placeHold({ ...request, creditMin: 10n, creditMax: 10n }),
      ).rejects.toThrow("holds something else");
      await expect(ledger.placeHold({ ...request, model: "o3" })).rejects.toThrow(
        "holds something else",
      );
    });

    it("refuses a hold that cannot be meant", async () => {
      const { ledger, account } = await openWith(open, [100n]);
      const wrong = [
        holdOf(account, -1n),
        holdOf(account, 5n, { creditMin: 6n }),
        holdOf(account, 5n, { messageCost: -1n }),
        holdOf(account, 5n, { leaseMs: 0 }),
      ];
      for (const request of wrong) await expect(ledger.placeHold(request)).rejects.toThrow();
      expect((await ledger.balance(account)).held.credit).toBe(0n);
    });
  });
}
