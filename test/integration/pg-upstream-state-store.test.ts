import { PgUpstreamStateStore } from "../../src/store/pg-upstream-state-store.ts";
import { upstreamStateStoreContract } from "../contract/upstream-state-store.contract.ts";
import { emptyDatabase } from "../fakes/test-database.ts";

upstreamStateStoreContract("PgUpstreamStateStore", async () => {
  const { pool } = await emptyDatabase();
  return new PgUpstreamStateStore(pool);
});
