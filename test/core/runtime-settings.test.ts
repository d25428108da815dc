import { expect, it } from "vitest";
import { RuntimeSettings } from "../../src/core/admin/runtime-settings.ts";

it("keeps what was set although a reading that began before takes longer", async () => {
  const stored = new Map<string, unknown>();
  const slow = Promise.withResolvers<void>();
  const gates = [slow.promise];
  const settings = new RuntimeSettings({
    read: async (key) => {
      const value = stored.get(key);
      await gates.shift();
      return value;
    },
    write: async (key, value) => void stored.set(key, value),
    merge: async () => {},
  });
  const early = settings.refresh();
  await settings.setDraining(true);
  slow.resolve();
  await early;
  expect(settings.isDraining).toBe(true);
});
