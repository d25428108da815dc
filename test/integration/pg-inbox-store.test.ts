import { beforeAll, describe, expect, it } from "vitest";
import { PgInboxStore } from "../../src/store/pg-inbox-store.ts";
import { inboxContract } from "../contract/inbox.contract.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await emptyDatabase();
});

async function createInbox(): Promise<PgInboxStore> {
  await database.pool.query("TRUNCATE inbound");
  return new PgInboxStore(database.pool);
}

inboxContract("PgInboxStore", createInbox);

describe("PgInboxStore", () => {
  it("erases the payload of a handled event", async () => {
    const inbox = await createInbox();
    const [saved] = await inbox.save("telegram", "1", [
      { eventId: "1", payload: { text: "/redeem ABCD" } },
    ]);
    await inbox.markHandled(saved?.id ?? 0n);
    const { rows } = await database.pool.query("SELECT payload, handled_at FROM inbound");
    expect(rows).toEqual([{ payload: null, handled_at: expect.any(Date) }]);
  });
});
