import type { Account } from "../account/account.ts";
import type { AccountStore } from "../account/account-store.ts";
import { UserError } from "../errors.ts";
import { quoteArgument } from "./settings-commands.ts";

/** The one account an admin means. Throws `UserError("unknown_user")` for none or several. */
export async function findAccount(
  accounts: Pick<AccountStore, "search">,
  user: string,
): Promise<Account> {
  const found = await accounts.search(user);
  const [account] = found;
  if (account === undefined || found.length > 1) {
    throw new UserError("unknown_user", { user: quoteArgument(user) });
  }
  return account;
}
