import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InboxStore } from "../../src/core/chat/inbox.ts";

const event = (eventId: string, payload: unknown = { text: eventId }) => ({ eventId, payload });

/** What any inbox must do, whatever keeps its events. `createInbox` gives an empty one. */
export function inboxContract(name: string, createInbox: () => Promise<InboxStore>): void {
  describe(`${name} keeps the inbox contract`, () => {
    it("returns what it saves, in the order given", async () => {
      const inbox = await createInbox();
      const saved = await inbox.save("telegram", "1", [event("9"), event("10"), event("2")]);
      expect(saved).toMatchObject([
        { eventId: "9", payload: { text: "9" }, attempts: 1, isCounted: true },
        { eventId: "10", payload: { text: "10" }, attempts: 1, isCounted: true },
        { eventId: "2", payload: { text: "2" }, attempts: 1, isCounted: true },
      ]);
      expect(saved.every(({ id }) => typeof id === "bigint")).toBe(true);
    });

    it("returns an event once, however often it is saved", async () => {
      const inbox = await createInbox();
      await inbox.save("telegram", "1", [event("1")]);
      const again = await inbox.save("telegram", "1", [event("1"), event("2"), event("2")]);
      expect(again.map(({ eventId }) => eventId)).toEqual(["2"]);
      expect(await inbox.listUnhandled("telegram", "1")).toHaveLength(2);
    });

    it("still knows an event after it was handled", async () => {
      const inbox = await createInbox();
      for (const { id } of await inbox.save("telegram", "1", [event("1")])) {
        await inbox.markHandled(id);
      }
      expect(await inbox.save("telegram", "1", [event("1")])).toEqual([]);
    });

    it("keeps the events of bots and platforms apart", async () => {
      const inbox = await createInbox();
      await inbox.save("telegram", "1", [event("1")]);
      expect(await inbox.save("telegram", "2", [event("1")])).toHaveLength(1);
      expect(await inbox.save("discord", "1", [event("1")])).toHaveLength(1);
      expect(await inbox.listUnhandled("telegram", "1")).toHaveLength(1);
      expect(await inbox.listUnhandled("telegram", "3")).toEqual([]);
    });

    it("lists what is not handled, oldest first, with the attempts made", async () => {
      const inbox = await createInbox();
      const [first, second] = await inbox.save("telegram", "1", [event("1"), event("2")]);
      await inbox.save("telegram", "1", [event("3")]);
      await inbox.markHandled(first?.id ?? 0n);
      await inbox.countAttempt(second?.id ?? 0n);
      await inbox.countAttempt(second?.id ?? 0n);
      expect(await inbox.listUnhandled("telegram", "1")).toMatchObject([
        { eventId: "2", payload: { text: "2" }, attempts: 3, isCounted: false },
        { eventId: "3", payload: { text: "3" }, attempts: 1, isCounted: false },
      ]);
    });

    it("saves an event once when two receive it at the same time", async () => {
      const inbox = await createInbox();
      const saves = Array.from({ length: 20 }, () => inbox.save("telegram", "1", [event("1")]));
      expect((await Promise.all(saves)).flat()).toHaveLength(1);
    });

    it("takes an empty list", async () => {
      expect(await (await createInbox()).save("telegram", "1", [])).toEqual([]);
    });

    it("loses no event for a character that its database cannot keep", async () => {
      const inbox = await createInbox();
      const odd = event("1", { text: "a\u0000b \ud83d end" });
      expect(await inbox.save("telegram", "1", [odd])).toHaveLength(1);
    });

    it("gives any payload back as it was", async () => {
      const inbox = await createInbox();
      const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\u0000"));
      const payload = fc.dictionary(
        text.map((key) => `key-${key}`),
        fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text)),
      );
      await fc.assert(
        fc.asyncProperty(fc.uuid(), payload, async (id, value) => {
          const [saved] = await inbox.save("telegram", "1", [event(id, value)]);
          expect(saved?.payload).toEqual({ ...value });
        }),
        { numRuns: 30 },
      );
    });
  });
}
