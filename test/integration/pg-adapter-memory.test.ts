import { describe, expect, it } from "vitest";
import { PgAdapterMemory } from "../../src/store/pg-adapter-memory.ts";
import { adapterMemoryContract } from "../contract/adapter-memory.contract.ts";
import { emptyDatabase } from "../fakes/test-database.ts";

adapterMemoryContract(
  "PgAdapterMemory",
  async () => new PgAdapterMemory((await emptyDatabase()).pool, "wechat", "main"),
);

describe("PgAdapterMemory", () => {
  it("keeps the bots apart", async () => {
    const { pool } = await emptyDatabase();
    const main = new PgAdapterMemory(pool, "wechat", "main");
    const other = new PgAdapterMemory(pool, "wechat", "other");
    await main.write("cursor", "1");
    await other.write("cursor", "2");
    await other.delete("cursor");
    expect(await main.read("cursor")).toBe("1");
    expect([...(await other.list(""))]).toEqual([]);
  });
});
