import { describe, expect, it } from "vitest";
import { OutsideError } from "../../src/core/errors.ts";
import { SharedCalls } from "../../src/store/shared-calls.ts";

/** A database whose transactions end when a test says so. */
class SlowDatabase {
  readonly asked: string[][] = [];
  readonly #ends: (() => void)[] = [];
  fails = new Set<string>();
  leavesAlone = new Set<string>();
  isBusy = false;

  readonly calls = new SharedCalls<string>({
    runGroup: async (calls) => {
      await this.#transaction([...calls]);
      if (this.isBusy) throw new OutsideError("database", "overloaded");
      if (calls.some((call) => this.fails.has(call))) throw new Error("rolled back");
      return calls.map((call) => (this.leavesAlone.has(call) ? null : `${call} in a group`));
    },
    runAlone: async (call) => {
      await this.#transaction([call]);
      if (this.fails.has(call)) throw new Error(`${call} failed`);
      return `${call} alone`;
    },
  });

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    for (let turn = 0; turn < 10; turn += 1) await null;
  }

  #transaction(calls: string[]): Promise<void> {
    this.asked.push(calls);
    return new Promise((resolve) => this.#ends.push(resolve));
  }
}

async function busy(database: SlowDatabase): Promise<Promise<string>[]> {
  const first: Promise<string>[] = [];
  for (const call of ["a", "b", "c", "d"]) {
    first.push(database.calls.call(call));
    await null;
    await null;
  }
  return first;
}

describe("SharedCalls", () => {
  it("makes up to four calls at once, each by itself", async () => {
    const database = new SlowDatabase();
    const first = await busy(database);
    expect(database.asked).toEqual([["a"], ["b"], ["c"], ["d"]]);
    await database.end();
    expect(await Promise.all(first)).toEqual(["a alone", "b alone", "c alone", "d alone"]);
  });

  it("gathers what comes while four are under way, 32 to a transaction", async () => {
    const database = new SlowDatabase();
    await busy(database);
    const names = Array.from({ length: 33 }, (_, index) => `e${index}`);
    const later = names.map((name) => database.calls.call(name));
    expect(database.asked).toHaveLength(4);
    await database.end();
    expect(database.asked.slice(4).map((calls) => calls.length)).toEqual([32, 1]);
    await database.end();
    const answers = await Promise.all(later);
    expect(answers[0]).toBe("e0 in a group");
    expect(answers[32]).toBe("e32 alone");
  });

  it("makes calls of the same moment together", async () => {
    const database = new SlowDatabase();
    const both = [database.calls.call("a"), database.calls.call("b")];
    await null;
    await null;
    expect(database.asked).toEqual([["a", "b"]]);
    await database.end();
    expect(await Promise.all(both)).toEqual(["a in a group", "b in a group"]);
  });

  it("asks each alone when a group fails, and fails only the one that does", async () => {
    const database = new SlowDatabase();
    database.fails.add("b");
    const all = ["a", "b", "c"].map((call) => database.calls.call(call));
    const settled = Promise.allSettled(all);
    await database.end();
    await database.end();
    await database.end();
    expect(await settled).toEqual([
      { status: "fulfilled", value: "a alone" },
      { status: "rejected", reason: new Error("b failed") },
      { status: "fulfilled", value: "c alone" },
    ]);
  });

  it("tells everybody when the database is busy, without asking again", async () => {
    const database = new SlowDatabase();
    database.isBusy = true;
    const settled = Promise.allSettled(["a", "b"].map((call) => database.calls.call(call)));
    await database.end();
    await database.end();
    const busy = { status: "rejected", reason: new OutsideError("database", "overloaded") };
    expect(await settled).toEqual([busy, busy]);
    expect(database.asked).toEqual([["a", "b"]]);
  });

  it("lets nobody wait for one that has to go alone", async () => {
    const database = new SlowDatabase();
    database.leavesAlone.add("a");
    const slow = database.calls.call("a");
    const quick = database.calls.call("b");
    await database.end();
    await database.end();
    expect(await quick).toBe("b in a group");
    expect(database.asked).toEqual([["a", "b"], ["a"]]);
    const next = database.calls.call("c");
    await database.end();
    await database.end();
    expect(await Promise.all([slow, next])).toEqual(["a alone", "c alone"]);
  });
});
