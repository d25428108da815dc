import type { SendNotices } from "../admin/send-notices.ts";
import type { ChatSettings } from "../chat-settings.ts";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { createAccountId } from "../ids.ts";
import { textsFor } from "../texts/locales.ts";
import type { Texts } from "../texts/texts.ts";
import type { Account, Identity, Person } from "./account.ts";
import type { AccountLinks, LinkOutcome, TryLimits } from "./account-links.ts";
import type { AccountStore } from "./account-store.ts";
import { describeIdentity } from "./describe-identity.ts";
import { createLinkCode, type LinkCodeHmac, parseLinkCode } from "./link-code.ts";

const MINUTE_MS = 60_000;
export const LINK_CODE_LIFE_MS = 10 * MINUTE_MS;
/**
 * With a thousand codes alive, everybody's wrong tries of one window together hit one of them once
 * in a million windows.
 */
export const LINK_TRY_LIMITS: TryLimits = {
  windowMs: 10 * MINUTE_MS,
  personMax: 5,
  everybodyMax: 1_000,
};

export interface LinkAccountsParts {
  readonly links: AccountLinks;
  readonly accounts: Pick<AccountStore, "find" | "listIdentities">;
  readonly notices: Pick<SendNotices, "toIdentities">;
  readonly hmac: LinkCodeHmac;
  readonly settings: Pick<ChatSettings, "defaultLocale">;
  /** So many wrong codes came in a window that none are looked at any more. */
  readonly onClosed: (tries: number) => void;
  readonly clock: Clock;
}

/** What a person is one of now. */
export interface LinkedAccount {
  readonly account: Account;
  readonly identities: readonly Identity[];
}

/**
 * Makes one wallet of a person's accounts on several platforms: a code shown in one chat is typed
 * in the other. The code is the right to the credit, so it lives shortly, is used once, and a wrong
 * one is told from an old one by nobody. Every chat concerned is told.
 */
export class LinkAccounts {
  readonly #parts: LinkAccountsParts;

  constructor(parts: LinkAccountsParts) {
    this.#parts = parts;
  }

  /** A new code for the person's account, in normal form; an earlier one is worth nothing any more. */
  async issue({ account, identity }: Person): Promise<string> {
    const { links, hmac } = this.#parts;
    const code = createLinkCode();
    await links.issue(account.id, identity.id, hmac(code), LINK_CODE_LIFE_MS);
    return code;
  }

  /**
   * The person joins the account for which the code was made. `isPublic`: others read the code,
   * so it is worth nothing afterwards, whatever came of it. Throws `UserError("link_invalid" |
   * "link_own_code" | "link_already" | "link_banned" | "link_locked")`.
   */
  async link(
    { identity }: Person,
    typed: string,
    { isPublic }: { readonly isPublic: boolean },
  ): Promise<LinkedAccount> {
    const { links, hmac } = this.#parts;
    const code = parseLinkCode(typed);
    try {
      await this.#countTry(identity);
      const outcome: LinkOutcome =
        code === null ? { status: "invalid" } : await links.link(hmac(code), identity.id);
      if (outcome.status === "invalid") throw new UserError("link_invalid");
      await links.returnTry(keyOf(identity));
      return await this.#finish(identity, outcome);
    } finally {
      if (isPublic && code !== null) await links.revoke(hmac(code));
    }
  }

  /**
   * Takes the identity off into an account of its own and returns those that keep the credit.
   * Throws `UserError("unlink_only_one" | "link_banned")`.
   */
  async unlink({ identity }: Person): Promise<readonly Identity[]> {
    const { links, accounts, notices } = this.#parts;
    const newId = createAccountId();
    const outcome = await links.unlink(identity.id, newId);
    if (outcome.status === "only_one") throw new UserError("unlink_only_one");
    if (outcome.status === "banned") throw new UserError("link_banned");
    const rest = await accounts.listIdentities(outcome.formerId);
    const texts = await this.#textsOf(outcome.formerId);
    const text = texts.link.unlinkedNotice(describeIdentity(identity));
    await notices.toIdentities(rest, `unlink:${newId}`, text);
    return rest;
  }

  async #countTry(identity: Identity): Promise<void> {
    const { links, onClosed, clock } = this.#parts;
    const tried = await links.countTry(keyOf(identity), LINK_TRY_LIMITS);
    if (tried.status === "locked") {
      const waitMs = tried.until.getTime() - clock.now().getTime();
      throw new UserError("link_locked", { minutes: Math.max(1, Math.ceil(waitMs / MINUTE_MS)) });
    }
    if (tried.closes) onClosed(LINK_TRY_LIMITS.everybodyMax);
  }

  async #finish(
    identity: Identity,
    outcome: Exclude<LinkOutcome, { status: "invalid" }>,
  ): Promise<LinkedAccount> {
    const { accounts } = this.#parts;
    if (outcome.status === "own_code") throw new UserError("link_own_code");
    if (outcome.status === "banned") throw new UserError("link_banned");
    const { accountId, mergedId } = outcome;
    const identities = await accounts.listIdentities(accountId);
    // After a crash the same code comes again: then those are told that were not.
    if (mergedId !== null) await this.#tellOthers(identity, identities, accountId, mergedId);
    if (outcome.status === "already_linked") throw new UserError("link_already");
    const account = await accounts.find(accountId);
    if (account === null) throw new Error("a linked account exists");
    return { account, identities };
  }

  async #tellOthers(
    identity: Identity,
    identities: readonly Identity[],
    accountId: string,
    mergedId: string,
  ): Promise<void> {
    const texts = await this.#textsOf(accountId);
    await this.#parts.notices.toIdentities(
      identities.filter(({ id }) => id !== identity.id),
      `link:${mergedId}`,
      texts.link.linkedNotice(describeIdentity(identity)),
    );
  }

  async #textsOf(accountId: string): Promise<Texts> {
    const account = await this.#parts.accounts.find(accountId);
    return textsFor(account?.locale ?? this.#parts.settings.defaultLocale);
  }
}

function keyOf({ platform, bot, platformUserId }: Identity): string {
  return `${platform}:${bot}:${platformUserId}`;
}
