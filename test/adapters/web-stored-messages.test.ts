import { describe, expect, it } from "vitest";
import { REPLY_ID, WebChat } from "../fakes/web-chat.ts";

describe("messages in the store", () => {
  it("follow a growing text once a second", async () => {
    const chat = await new WebChat().start();
    const { channel } = await chat.visitor();
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("0"));
    expect(chat.store.writes).toBe(1);
    for (let index = 1; index <= 20; index += 1) {
      await chat.adapter.edit(sent, chat.growing("0123456789".repeat(index)));
      await chat.clock.advance(100);
    }
    expect(chat.store.writes).toBe(3);
    const [stored] = await chat.store.list(channel, 1, null);
    expect(stored?.text.length).toBeGreaterThanOrEqual(190);
  });

  it("are final once the final edit has resolved", async () => {
    const chat = await new WebChat().start();
    const { channel } = await chat.visitor();
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    await chat.adapter.edit(sent, chat.growing("One two"));
    await chat.adapter.edit(sent, chat.final("**Done**"));
    const expected = [{ text: "**Done**", format: "markdown", buttons: [], replyId: REPLY_ID }];
    expect(await chat.store.list(channel, 1, null)).toMatchObject(expected);
    await chat.clock.advance(10_000);
    expect(await chat.store.list(channel, 1, null)).toMatchObject(expected);
    expect(chat.store.writes).toBe(2);
  });

  it("count a plain text without a stop button as final", async () => {
    const chat = await new WebChat().start();
    const { channel } = await chat.visitor();
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    await chat.adapter.edit(sent, { ...chat.final("Done"), format: "plain" });
    expect(await chat.store.list(channel, 1, null)).toMatchObject([{ text: "Done" }]);
  });

  it("get a final text written by an edit that is tried again", async () => {
    const chat = await new WebChat().start();
    const { channel } = await chat.visitor();
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    chat.store.failure = new Error("the database is away");
    await expect(chat.adapter.edit(sent, chat.final("Done"))).rejects.toMatchObject({
      party: "web",
      kind: "unreachable",
      retryable: true,
    });
    chat.store.failure = null;
    await chat.adapter.edit(sent, chat.final("Done"));
    expect(await chat.store.list(channel, 1, null)).toMatchObject([{ text: "Done" }]);
  });

  it("survive a preview that could not be written", async () => {
    const chat = await new WebChat().start();
    const { channel } = await chat.visitor();
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    chat.store.failure = new Error("the database is away");
    await chat.adapter.edit(sent, chat.growing("One two"));
    await chat.clock.advance(1000);
    expect(chat.log.lines).toMatchObject([{ level: "warn" }]);
    chat.store.failure = null;
    await chat.adapter.edit(sent, chat.growing("One two three"));
    await chat.clock.advance(1000);
    expect(await chat.store.list(channel, 1, null)).toMatchObject([{ text: "One two three" }]);
  });

  it("are finished after a restart, by an adapter that never saw them grow", async () => {
    const former = await new WebChat().start();
    const { channel, tab } = await former.visitor();
    const sent = await former.adapter.send(former.address(channel), former.growing("One"));
    const chat = await new WebChat({ store: former.store }).start();
    const later = chat.browser();
    for (const [name, value] of tab.cookies) later.cookies.set(name, value);
    const events = await later.listen();
    await events.expect("snapshot");
    await chat.adapter.edit(sent, chat.final("Done"));
    expect(await events.expect("edit")).toMatchObject({ from: 0, text: "Done" });
    expect(await former.store.list(channel, 1, null)).toMatchObject([
      { text: "Done", replyId: REPLY_ID },
    ]);
  });

  it("that are gone cannot be edited", async () => {
    const chat = await new WebChat().start();
    const { channel } = await chat.visitor();
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    await chat.adapter.deleteMessage(sent.address, sent.id);
    await expect(chat.adapter.edit(sent, chat.final("Done"))).rejects.toMatchObject({
      kind: "message_gone",
    });
  });

  it("have what was still growing when the program stops", async () => {
    const chat = await new WebChat().start();
    const { channel } = await chat.visitor();
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    await chat.adapter.edit(sent, chat.growing("One two"));
    await chat.adapter.stop();
    expect(await chat.store.list(channel, 1, null)).toMatchObject([{ text: "One two" }]);
  });

  it("cannot be sent to people who cannot exist", async () => {
    const chat = await new WebChat().start();
    await expect(chat.adapter.send(chat.address("nobody"), chat.final("Hi"))).rejects.toMatchObject(
      { kind: "chat_gone" },
    );
    const sender = { displayName: "", username: null, locale: null };
    const { channel } = await chat.visitor();
    expect(await chat.adapter.openDirectChat({ ...sender, platformUserId: channel })).toEqual(
      chat.address(channel),
    );
    expect(await chat.adapter.openDirectChat({ ...sender, platformUserId: "nobody" })).toBeNull();
  });
});
