import { describe, expect, it } from "vitest";
import { createId } from "../../src/core/ids.ts";
import { WebChat } from "../fakes/web-chat.ts";

const HOUR_MS = 60 * 60_000;

describe("a message written on the page", () => {
  it("reaches the core as a private message of that person", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const id = createId(chat.clock.now());
    const headers = { "accept-language": "zh-CN,en;q=0.8" };
    const response = await tab.request("POST", "/chat/messages", {
      body: { id, text: "你好" },
      headers,
    });
    expect(response.status).toBe(202);
    expect(chat.messages).toEqual([
      {
        id,
        address: { platform: "web", bot: "web", channel, thread: null },
        sender: { platformUserId: channel, displayName: "", username: null, locale: "zh-cn" },
        text: "你好",
        isDirect: true,
        isEdit: false,
        quotedText: null,
        attachments: [],
        receivedAt: chat.clock.now(),
      },
    ]);
  });

  it("is shown once and reaches the core again when it is sent again", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const id = createId(chat.clock.now());
    await tab.say("Hi", { id });
    expect((await tab.say("Hi", { id })).status).toBe(202);
    expect(chat.messages.map((message) => message.id)).toEqual([id, id]);
    expect(await chat.store.list(channel, 10, null)).toHaveLength(1);
  });

  it("is stored without card codes, but given to the core with them", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const events = await tab.listen();
    await events.expect("snapshot");
    await tab.say("/redeem CODE-AB12CD");
    expect(chat.messages[0]?.text).toBe("/redeem CODE-AB12CD");
    expect((await events.expect("message")).text).toBe("/redeem ••••");
    expect(JSON.stringify(await chat.store.list(channel, 10, null))).not.toContain("AB12CD");
  });

  it("is taken back and offered again when the core fails", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    chat.onMessage = async () => {
      throw new Error("the database is away");
    };
    const id = createId(chat.clock.now());
    const failed = await tab.say("Keep me", { id });
    expect(failed.status).toBe(503);
    expect(await failed.json()).toEqual({ error: { code: "try_later" } });
    expect(await chat.store.list(channel, 10, null)).toEqual([]);
    expect(JSON.stringify(chat.log.lines)).not.toContain("Keep me");

    chat.onMessage = async () => {};
    expect((await tab.say("Keep me", { id })).status).toBe(202);
    expect(await chat.store.list(channel, 10, null)).toHaveLength(1);
  });

  it("stays when a repetition of it fails", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const id = createId(chat.clock.now());
    await tab.say("Hi", { id });
    chat.onMessage = async () => {
      throw new Error("the database is away");
    };
    expect((await tab.say("Hi", { id })).status).toBe(503);
    expect(await chat.store.list(channel, 10, null)).toHaveLength(1);
  });

  it("disappears when the core deletes it", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const events = await tab.listen();
    await events.expect("snapshot");
    const id = createId(chat.clock.now());
    await tab.say("/redeem CODE-AB12CD", { id });
    await events.expect("message");
    expect(await chat.adapter.deleteMessage(chat.address(channel), id)).toBe(true);
    expect(await events.expect("delete")).toEqual({ id });
    expect(await chat.adapter.deleteMessage(chat.address(channel), id)).toBe(false);
  });

  it("is refused before the core listens and after it stopped", async () => {
    const chat = new WebChat();
    const { tab } = await chat.visitor();
    expect((await tab.say("Too early")).status).toBe(503);
    await chat.start();
    expect((await tab.say("In time")).status).toBe(202);
    await chat.adapter.stopListening();
    expect((await tab.say("Too late")).status).toBe(503);
    expect(chat.messages.map((message) => message.text)).toEqual(["In time"]);
  });

  it("is waited for while the adapter stops listening", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const work = Promise.withResolvers<void>();
    chat.onMessage = () => work.promise;
    const answer = tab.say("Hi");
    await chat.clock.settle();
    let hasStopped = false;
    const stopping = chat.adapter.stopListening().then(() => {
      hasStopped = true;
    });
    await chat.clock.settle();
    expect(hasStopped).toBe(false);
    work.resolve();
    await stopping;
    expect((await answer).status).toBe(202);
  });

  it.each([
    ["from the future by a millisecond", 1, 409],
    ["of this moment", 0, 202],
    ["a day old", -24 * HOUR_MS, 202],
    ["older than a day", -24 * HOUR_MS - 1, 409],
  ])("with an id %s (%i ms) is answered with %i", async (_name, offsetMs, status) => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const id = createId(new Date(chat.clock.now().getTime() + offsetMs));
    const response = await tab.say("Hi", { id });
    expect(response.status).toBe(status);
    if (status === 409) {
      const { error } = (await response.json()) as { error: object };
      expect(error).toEqual({ code: "clock", now: chat.clock.now().toISOString() });
      expect(chat.messages).toEqual([]);
    }
  });

  it.each([
    ["no text and no attachment", { text: "  " }],
    ["an id of another version", { text: "Hi", id: "4f0fbd9c-2f2c-4b1e-9f0e-6a3c1f2d5b7a" }],
    [
      "too many attachments",
      { text: "Hi", attachments: Array(5).fill({ name: "a", mediaType: "b", base64: "" }) },
    ],
    [
      "a preview that is no picture",
      {
        text: "Hi",
        attachments: [
          { name: "a", mediaType: "b", base64: "", thumbnail: "data:text/html;base64,AA==" },
        ],
      },
    ],
  ])("with %s is refused", async (_name, fields) => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    expect((await tab.say("", fields)).status).toBe(400);
    expect(chat.messages).toEqual([]);
  });

  it("loses characters that the database cannot keep", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    await tab.say("a\0b");
    expect(chat.messages[0]?.text).toBe("ab");
    expect((await chat.store.list(channel, 1, null))[0]?.text).toBe("ab");
  });

  it("brings pictures and text files, of which only previews are stored", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const thumbnail = "data:image/jpeg;base64,AAAA";
    const bytes = Buffer.from("picture bytes");
    await tab.say("", {
      attachments: [
        { name: "a.png", mediaType: "image/png", base64: bytes.toString("base64"), thumbnail },
        { name: "b.csv", mediaType: "text/csv;charset=utf-8", base64: "YSxi" },
        { name: "c.zip", mediaType: "application/zip", base64: "AA==" },
      ],
    });
    const attachments = chat.messages[0]?.attachments ?? [];
    expect(attachments.map(({ kind, sizeBytes }) => [kind, sizeBytes])).toEqual([
      ["image", 13],
      ["text", 3],
      ["other", 1],
    ]);
    expect(Buffer.from((await attachments[0]?.load(13)) ?? [])).toEqual(bytes);
    await expect(attachments[0]?.load(12)).rejects.toMatchObject({ code: "attachment_too_large" });
    const stored = (await chat.store.list(channel, 1, null))[0];
    expect(stored?.attachments).toEqual([
      { name: "a.png", mediaType: "image/png", thumbnail },
      { name: "b.csv", mediaType: "text/csv;charset=utf-8", thumbnail: null },
      { name: "c.zip", mediaType: "application/zip", thumbnail: null },
    ]);
  });
});
