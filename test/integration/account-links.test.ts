import { beforeAll } from "vitest";
import { PgAccountLinks } from "../../src/store/pg-account-links.ts";
import { PgAccountStore } from "../../src/store/pg-account-store.ts";
import { accountLinksContract } from "../contract/account-links.contract.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

let database: TestDatabase;
let people = 0;
beforeAll(async () => {
  database = await emptyDatabase();
});

accountLinksContract("PgAccountLinks", async () => {
  const { pool } = database;
  const accounts = new PgAccountStore(pool);
  return {
    links: new PgAccountLinks(pool),
    async openPerson() {
      people += 1;
      const { account, identity } = await accounts.identify({
        platform: "fake",
        bot: "1",
        sender: { platformUserId: `p${people}`, displayName: "", username: null, locale: null },
        directChannel: null,
      });
      return { accountId: account.id, identityId: identity.id };
    },
    ban: (accountId) => accounts.setBan(accountId, "spam"),
    async accountOf(identityId) {
      const { rows } = await pool.query("SELECT account_id FROM identity WHERE id = $1", [
        String(identityId),
      ]);
      return rows[0].account_id;
    },
    async passTime(ms) {
      const values = [`${ms} milliseconds`];
      await pool.query("UPDATE link_code SET valid_until = valid_until - $1::interval", values);
      await pool.query(
        "UPDATE redeem_guess SET window_start = window_start - $1::interval",
        values,
      );
    },
  };
});
