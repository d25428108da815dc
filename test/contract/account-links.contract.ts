import { describe, expect, it } from "vitest";
import type { AccountLinks } from "../../src/core/account/account-links.ts";
import { LINK_CODE_LIFE_MS, LINK_TRY_LIMITS } from "../../src/core/account/link-accounts.ts";
import { createLinkCode, createLinkCodeHmac } from "../../src/core/account/link-code.ts";
import { createAccountId } from "../../src/core/ids.ts";

/** A person with one chat. */
export interface LinkPerson {
  readonly accountId: string;
  readonly identityId: bigint;
}

/** Links under test, with what the tests need around them. */
export interface LinksUnderTest {
  readonly links: AccountLinks;
  openPerson(): Promise<LinkPerson>;
  ban(accountId: string): Promise<void>;
  /** To which account an identity leads now. */
  accountOf(identityId: bigint): Promise<string>;
  /** Makes every code and every count older, as if time had passed. */
  passTime(ms: number): Promise<void>;
}

const MINUTE_MS = 60_000;
const hmac = createLinkCodeHmac(new Uint8Array(32).fill(9));
export const newCode = () => hmac(createLinkCode());

/** What any links must do, whatever keeps the accounts. */
export function accountLinksContract(name: string, open: () => Promise<LinksUnderTest>): void {
  /** Ann has shown a code; Bob is about to type it. */
  async function withCode() {
    const under = await open();
    const [ann, bob, code] = [await under.openPerson(), await under.openPerson(), newCode()];
    await under.links.issue(ann.accountId, ann.identityId, code, LINK_CODE_LIFE_MS);
    return { ...under, ann, bob, code };
  }

  describe(`${name}: a code`, () => {
    it("makes whoever types it one account with whoever shows it", async () => {
      const { links, accountOf, ann, bob, code } = await withCode();
      expect(await links.link(code, bob.identityId)).toEqual({
        status: "linked",
        accountId: ann.accountId,
        mergedId: bob.accountId,
      });
      expect(await accountOf(bob.identityId)).toBe(ann.accountId);
      expect(await accountOf(ann.identityId)).toBe(ann.accountId);
    });

    it("says so to the same person again, and nothing to anybody else", async () => {
      const { links, openPerson, accountOf, ann, bob, code } = await withCode();
      await links.link(code, bob.identityId);
      const again = {
        status: "already_linked",
        accountId: ann.accountId,
        mergedId: bob.accountId,
      };
      expect(await links.link(code, bob.identityId)).toEqual(again);
      expect(await links.link(code, ann.identityId)).toEqual(again);
      const stranger = await openPerson();
      expect(await links.link(code, stranger.identityId)).toEqual({ status: "invalid" });
      expect(await accountOf(stranger.identityId)).toBe(stranger.accountId);
    });

    it("is worth nothing where it was shown, and stays good", async () => {
      const { links, ann, bob, code } = await withCode();
      expect(await links.link(code, ann.identityId)).toEqual({ status: "own_code" });
      expect((await links.link(code, bob.identityId)).status).toBe("linked");
    });

    it("finds two chats of one account linked already", async () => {
      const { links, ann, bob, code } = await withCode();
      await links.link(code, bob.identityId);
      const second = newCode();
      await links.issue(ann.accountId, ann.identityId, second, LINK_CODE_LIFE_MS);
      expect(await links.link(second, bob.identityId)).toEqual({
        status: "already_linked",
        accountId: ann.accountId,
        mergedId: null,
      });
    });

    it.each([
      [-MINUTE_MS / 2, "linked"],
      [1, "invalid"],
    ])("lives for ten minutes: %i ms later it is %s", async (afterMs, status) => {
      const { links, passTime, bob, code } = await withCode();
      await passTime(LINK_CODE_LIFE_MS + afterMs);
      expect((await links.link(code, bob.identityId)).status).toBe(status);
    });

    it("is replaced by the account's next one", async () => {
      const { links, ann, bob, code } = await withCode();
      const second = newCode();
      await links.issue(ann.accountId, ann.identityId, second, LINK_CODE_LIFE_MS);
      expect(await links.link(code, bob.identityId)).toEqual({ status: "invalid" });
      expect((await links.link(second, bob.identityId)).status).toBe("linked");
    });

    it("is worth nothing once revoked, and a code that nobody has never was", async () => {
      const { links, bob, code } = await withCode();
      await links.revoke(code);
      await links.revoke(newCode());
      expect(await links.link(code, bob.identityId)).toEqual({ status: "invalid" });
      expect(await links.link(newCode(), bob.identityId)).toEqual({ status: "invalid" });
    });

    it.each(["ann", "bob"] as const)("links nobody while %s is banned", async (banned) => {
      const under = await withCode();
      const { links, ban, accountOf, bob, code } = under;
      await ban(under[banned].accountId);
      expect(await links.link(code, bob.identityId)).toEqual({ status: "banned" });
      expect(await accountOf(bob.identityId)).toBe(bob.accountId);
    });

    it("goes with the account of whoever joins another", async () => {
      const { links, openPerson, ann, bob, code } = await withCode();
      const [own, carol] = [newCode(), await openPerson()];
      await links.issue(bob.accountId, bob.identityId, own, LINK_CODE_LIFE_MS);
      await links.link(code, bob.identityId);
      expect((await links.link(own, ann.identityId)).status).toBe("already_linked");
      expect(await links.link(own, carol.identityId)).toEqual({ status: "invalid" });
    });

    it("leads to the account of today when the one that showed it was merged meanwhile", async () => {
      const { links, openPerson, accountOf, ann, bob, code } = await withCode();
      const [dave, daves] = [await openPerson(), newCode()];
      await links.link(code, bob.identityId);
      await links.issue(dave.accountId, dave.identityId, daves, LINK_CODE_LIFE_MS);
      await links.link(daves, ann.identityId);
      const [late, carol] = [newCode(), await openPerson()];
      await links.issue(bob.accountId, bob.identityId, late, LINK_CODE_LIFE_MS);
      expect(await links.link(late, carol.identityId)).toMatchObject({ accountId: dave.accountId });
      for (const { identityId } of [ann, bob, carol, dave]) {
        expect(await accountOf(identityId)).toBe(dave.accountId);
      }
    });
  });

  describe(`${name}: tries of codes`, () => {
    const key = () => `fake:1:${createAccountId()}`;
    const wide = { ...LINK_TRY_LIMITS, everybodyMax: 1_000_000 };

    it("are five, and five more ten minutes after the last", async () => {
      const { links, passTime } = await open();
      const person = key();
      for (let time = 0; time < 5; time += 1) {
        expect((await links.countTry(person, wide)).status).toBe("counted");
      }
      expect((await links.countTry(person, wide)).status).toBe("locked");
      await passTime(9 * MINUTE_MS);
      const locked = await links.countTry(person, wide);
      expect(locked.status).toBe("locked");
      expect((await links.countTry(key(), wide)).status).toBe("counted");
      await passTime(MINUTE_MS);
      for (let time = 0; time < 5; time += 1) {
        expect((await links.countTry(person, wide)).status).toBe("counted");
      }
      expect((await links.countTry(person, wide)).status).toBe("locked");
    });

    it("do not count when they were right", async () => {
      const { links } = await open();
      const person = key();
      for (let time = 0; time < 20; time += 1) {
        expect((await links.countTry(person, wide)).status).toBe("counted");
        await links.returnTry(person);
      }
    });

    it("are limited for everybody together, which is told once and ends", async () => {
      const { links, passTime } = await open();
      await passTime(20 * MINUTE_MS);
      const narrow = { ...LINK_TRY_LIMITS, everybodyMax: 3 };
      const counted = [];
      for (let time = 0; time < 3; time += 1) counted.push(await links.countTry(key(), narrow));
      expect(counted).toEqual([
        { status: "counted", closes: false },
        { status: "counted", closes: false },
        { status: "counted", closes: true },
      ]);
      const late = key();
      for (let time = 0; time < 6; time += 1) {
        expect((await links.countTry(late, narrow)).status).toBe("locked");
      }
      await passTime(10 * MINUTE_MS);
      expect(await links.countTry(late, narrow)).toEqual({ status: "counted", closes: false });
    });
  });

  describe(`${name}: unlinking`, () => {
    it("moves one chat to an account of its own; the other keeps the old one", async () => {
      const { links, accountOf, ann, bob, code } = await withCode();
      await links.link(code, bob.identityId);
      const fresh = createAccountId();
      expect(await links.unlink(ann.identityId, fresh)).toEqual({
        status: "unlinked",
        formerId: ann.accountId,
      });
      expect(await accountOf(ann.identityId)).toBe(fresh);
      expect(await accountOf(bob.identityId)).toBe(ann.accountId);
      expect(await links.unlink(bob.identityId, createAccountId())).toEqual({ status: "only_one" });
    });

    it("can be undone by another link, and that by another unlinking", async () => {
      const { links, accountOf, ann, bob, code } = await withCode();
      await links.link(code, bob.identityId);
      for (let time = 0; time < 2; time += 1) {
        await links.unlink(bob.identityId, createAccountId());
        const again = newCode();
        await links.issue(ann.accountId, ann.identityId, again, LINK_CODE_LIFE_MS);
        expect((await links.link(again, bob.identityId)).status).toBe("linked");
        expect(await accountOf(bob.identityId)).toBe(ann.accountId);
      }
    });

    it("ends the code that was shown in the chat that goes", async () => {
      const { links, openPerson, ann, bob, code } = await withCode();
      await links.link(code, bob.identityId);
      const [shown, carol] = [newCode(), await openPerson()];
      await links.issue(ann.accountId, bob.identityId, shown, LINK_CODE_LIFE_MS);
      await links.unlink(bob.identityId, createAccountId());
      expect(await links.link(shown, carol.identityId)).toEqual({ status: "invalid" });
    });

    it("is no way out of a ban", async () => {
      const { links, ban, ann, bob, code } = await withCode();
      await links.link(code, bob.identityId);
      await ban(ann.accountId);
      expect(await links.unlink(bob.identityId, createAccountId())).toEqual({ status: "banned" });
    });
  });
}
