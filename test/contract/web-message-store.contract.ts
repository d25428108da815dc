import { describe, expect, it } from "vitest";
import type { WebMessage, WebMessageStore } from "../../src/core/chat/web-message-store.ts";
import { createId } from "../../src/core/ids.ts";

const REPLY = "018f0000-0000-7000-8000-000000000001";
const at = new Date("2026-11-23T10:00:00.000Z");
let idTimeMs = at.getTime();

function message(fields: Partial<WebMessage> = {}): WebMessage {
  idTimeMs += 1;
  return {
    id: createId(new Date(idTimeMs)),
    channel: "room",
    author: "bot",
    text: "Hello",
    format: "plain",
    buttons: [],
    replyId: null,
    attachments: [],
    fileName: null,
    createdAt: at,
    ...fields,
  };
}

/** What any store of web messages must do, whatever keeps them. */
export function webMessageStoreContract(
  name: string,
  createStore: () => Promise<WebMessageStore>,
): void {
  describe(`${name} keeps the web message store contract`, () => {
    it("gives back everything of a message", async () => {
      const store = await createStore();
      const full = message({
        author: "person",
        text: '多 "quotes" \u{1f600}\n',
        buttons: [{ action: "stop", replyId: REPLY, label: "停" }],
        replyId: REPLY,
        attachments: [
          { name: "a.png", mediaType: "image/png", thumbnail: "data:image/png;base64,AA==" },
        ],
        fileName: "cards.txt",
      });
      expect(await store.append(full)).toBe(true);
      expect(await store.list("room", 10, null)).toEqual([full]);
    });

    it("keeps the first of two messages with one id", async () => {
      const store = await createStore();
      const first = message();
      await store.append(first);
      expect(await store.append({ ...first, text: "Second" })).toBe(false);
      expect(await store.list("room", 10, null)).toEqual([first]);
    });

    it("lists the newest messages of one channel, oldest first, page by page", async () => {
      const store = await createStore();
      const messages = [message(), message(), message(), message()];
      for (const each of [...messages].reverse()) await store.append(each);
      await store.append(message({ channel: "other" }));
      const newest = await store.list("room", 2, null);
      expect(newest).toEqual(messages.slice(2));
      expect(await store.list("room", 10, newest[0]?.id ?? null)).toEqual(messages.slice(0, 2));
    });

    it("changes text, format and buttons and keeps the reply it belongs to", async () => {
      const store = await createStore();
      const growing = message({ replyId: REPLY });
      await store.append(growing);
      const content = { text: "Done", format: "markdown", buttons: [], replyId: null } as const;
      expect(await store.update("room", growing.id, content, at)).toBe(true);
      expect(await store.list("room", 10, null)).toEqual([
        { ...growing, ...content, replyId: REPLY },
      ]);
    });

    it("neither changes nor deletes a message of another channel", async () => {
      const store = await createStore();
      const mine = message();
      await store.append(mine);
      const content = { text: "No", format: "plain", buttons: [], replyId: null } as const;
      expect(await store.update("other", mine.id, content, at)).toBe(false);
      expect(await store.delete("other", mine.id)).toBe(false);
      expect(await store.list("room", 10, null)).toEqual([mine]);
    });

    it("deletes once", async () => {
      const store = await createStore();
      const mine = message();
      await store.append(mine);
      expect(await store.delete("room", mine.id)).toBe(true);
      expect(await store.delete("room", mine.id)).toBe(false);
      expect(await store.list("room", 10, null)).toEqual([]);
    });
  });
}
