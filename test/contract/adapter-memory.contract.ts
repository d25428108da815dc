import { describe, expect, it } from "vitest";
import type { AdapterMemory } from "../../src/core/chat/adapter-memory.ts";

/** What any memory of an adapter must do, whatever keeps it. */
export function adapterMemoryContract(
  name: string,
  createMemory: () => Promise<AdapterMemory>,
): void {
  describe(`${name} keeps the adapter memory contract`, () => {
    it("gives back what was written last, and null for what never was", async () => {
      const memory = await createMemory();
      expect(await memory.read("cursor:a")).toBeNull();
      await memory.write("cursor:a", "1");
      await memory.write("cursor:a", '{"emoji":"\u{1f600}"}');
      expect(await memory.read("cursor:a")).toBe('{"emoji":"\u{1f600}"}');
    });

    it("lists what begins with a prefix, by key, wildcards taken literally", async () => {
      const memory = await createMemory();
      await memory.write("budget:b", "2");
      await memory.write("budget:a", "1");
      await memory.write("budget%", "3");
      await memory.write("other", "4");
      expect([...(await memory.list("budget:"))]).toEqual([
        ["budget:a", "1"],
        ["budget:b", "2"],
      ]);
      expect([...(await memory.list("budget%"))]).toEqual([["budget%", "3"]]);
    });

    it("forgets what is deleted, and deleting it again changes nothing", async () => {
      const memory = await createMemory();
      await memory.write("cursor:a", "1");
      await memory.delete("cursor:a");
      await memory.delete("cursor:a");
      expect(await memory.read("cursor:a")).toBeNull();
      expect([...(await memory.list(""))]).toEqual([]);
    });
  });
}
