import type { Ledger } from "../billing/ledger.ts";
import type { ChatSettings } from "../chat-settings.ts";
import type { Person } from "./account.ts";
import type { AccountStore } from "./account-store.ts";

/** The free trial does not wait to be used up. */
const TRIAL_VALID_MS = 365 * 24 * 60 * 60_000;

/** Gives a new person their free trial, once. */
export class WelcomePerson {
  readonly #accounts: AccountStore;
  readonly #ledger: Ledger;
  readonly #settings: ChatSettings;

  constructor(accounts: AccountStore, ledger: Ledger, settings: ChatSettings) {
    this.#accounts = accounts;
    this.#ledger = ledger;
    this.#settings = settings;
  }

  /** Safe to call for every message: the account is the cause of its trial. */
  async grantTrial({ account, isTrialDue }: Person): Promise<void> {
    const { trialMessages } = this.#settings;
    if (!isTrialDue || trialMessages === 0) return;
    await this.#ledger.grant({
      cause: `trial:${account.id}`,
      accountId: account.id,
      unit: "message",
      kind: "trial",
      priority: 50,
      amount: BigInt(trialMessages),
      validUntil: new Date(account.createdAt.getTime() + TRIAL_VALID_MS),
      modelScope: null,
      origin: "promotions",
      reason: "free trial",
    });
    // Marked after the grant: a crash in between grants again, which the cause makes harmless.
    await this.#accounts.markTrialGranted(account.id);
  }
}
