import { PgWebMessageStore } from "../../src/store/pg-web-message-store.ts";
import { webMessageStoreContract } from "../contract/web-message-store.contract.ts";
import { emptyDatabase } from "../fakes/test-database.ts";

webMessageStoreContract(
  "PgWebMessageStore",
  async () => new PgWebMessageStore((await emptyDatabase()).pool),
);
