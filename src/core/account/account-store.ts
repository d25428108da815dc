import type { Account, AccountSettings, Identity, Person, SeenSender } from "./account.ts";

/**
 * Keeps accounts and the identities that lead to them. The id of an account that was merged into
 * another one means that one.
 */
export interface AccountStore {
  /**
   * Finds the person who wrote, or makes a new account for them. Two first messages at once make
   * one account. Takes note of a changed name and of being reachable again.
   */
  identify(seen: SeenSender): Promise<Person>;
  markTrialGranted(accountId: string): Promise<void>;
  find(accountId: string): Promise<Account | null>;
  listIdentities(accountId: string): Promise<Identity[]>;
  /**
   * Who is meant by what an admin typed: "platform:id", an account id, or "@name". Empty when
   * nobody is, several when a name is not unique.
   */
  search(user: string): Promise<Account[]>;
  changeSettings(accountId: string, settings: AccountSettings): Promise<void>;
  /** `null` lifts the ban. */
  setBan(accountId: string, reason: string | null): Promise<void>;
  setReachable(
    platform: string,
    bot: string,
    platformUserId: string,
    isReachable: boolean,
  ): Promise<void>;
  /** Everyone who can be written to in private on the given bots, one identity an account. */
  listReachable(
    bots: readonly { readonly platform: string; readonly bot: string }[],
    after: bigint,
    limit: number,
  ): Promise<Identity[]>;
}
