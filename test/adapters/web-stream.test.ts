import { describe, expect, it } from "vitest";
import { REPLY_ID, WebChat } from "../fakes/web-chat.ts";

describe("the stream of events", () => {
  it("begins with the messages of that channel alone", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const other = await chat.visitor();
    await chat.adapter.send(chat.address(other.channel), chat.final("Not yours"));
    await chat.adapter.send(chat.address(channel), chat.final("Hello"));
    const snapshot = await (await tab.listen()).expect("snapshot");
    expect(snapshot).toMatchObject({
      now: chat.clock.now().toISOString(),
      messages: [{ author: "bot", text: "Hello", format: "markdown" }],
      hasEarlier: false,
    });
  });

  it("tells every tab of a person, and nobody else, what happens", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const [first, second] = [await tab.listen(), await tab.listen()];
    const stranger = await (await chat.visitor()).tab.listen();
    for (const events of [first, second, stranger]) await events.expect("snapshot");
    await chat.adapter.showTyping(chat.address(channel));
    await chat.adapter.send(chat.address(channel), chat.final("Hello"));
    for (const events of [first, second]) {
      expect(await events.expect("typing")).toEqual({ ms: 5000 });
      expect(await events.expect("message")).toMatchObject({ text: "Hello" });
    }
    chat.adapter.stop();
    expect(await stranger.next()).toBeNull();
  });

  it("shows messages in the order they were sent, even within a millisecond", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    await tab.say("question");
    for (const text of ["one", "two", "three"]) {
      await chat.adapter.send(chat.address(channel), chat.final(text));
    }
    const { messages } = await (await tab.listen()).expect("snapshot");
    expect(messages?.map(({ text }) => text)).toEqual(["question", "one", "two", "three"]);
  });

  it("carries only what is new of a growing text, at most once in 40 ms", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const events = await tab.listen();
    await events.expect("snapshot");
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    await events.expect("message");
    await chat.adapter.edit(sent, chat.growing("One two"));
    expect(await events.expect("edit")).toMatchObject({ id: sent.id, from: 3, text: " two" });
    await chat.adapter.edit(sent, chat.growing("One two three"));
    await chat.adapter.edit(sent, chat.growing("One two three four"));
    await chat.clock.advance(39);
    await chat.adapter.showTyping(chat.address(channel));
    await chat.clock.advance(1);
    await events.expect("typing");
    expect(await events.expect("edit")).toMatchObject({ from: 7, text: " three four" });
  });

  it("says from where on a text changed when it did not only grow", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const events = await tab.listen();
    await events.expect("snapshot");
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("💭 …"));
    await events.expect("message");
    await chat.adapter.edit(sent, chat.growing("Hello"));
    expect(await events.expect("edit")).toMatchObject({ from: 0, text: "Hello" });
    await chat.clock.advance(40);
    await chat.adapter.edit(sent, chat.growing("Help"));
    expect(await events.expect("edit")).toMatchObject({ from: 3, text: "p" });
  });

  it("shows a final text at once and without its buttons", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const events = await tab.listen();
    await events.expect("snapshot");
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    await events.expect("message");
    await chat.adapter.edit(sent, chat.growing("One two"));
    await events.expect("edit");
    await chat.adapter.edit(sent, chat.growing("One two three"));
    await chat.adapter.edit(sent, chat.final("**One** two three"));
    expect(await events.expect("edit")).toEqual({
      id: sent.id,
      from: 0,
      text: "**One** two three",
      format: "markdown",
      buttons: [],
      replyId: REPLY_ID,
    });
    await chat.clock.advance(60_000);
    chat.adapter.stop();
    expect(await events.next()).toBeNull();
  });

  it("begins with growing texts as they stand now", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const sent = await chat.adapter.send(chat.address(channel), chat.growing("One"));
    await chat.adapter.edit(sent, chat.growing("One two"));
    await chat.adapter.edit(sent, chat.growing("One two three"));
    const { messages } = await (await tab.listen()).expect("snapshot");
    expect(messages).toMatchObject([{ text: "One two three", replyId: REPLY_ID }]);
  });

  it("repeats nothing to a tab that missed nothing", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const events = await tab.listen();
    await events.expect("snapshot");
    await chat.adapter.send(chat.address(channel), chat.final("Hello"));
    const last = await events.next();
    await events.close();
    const again = await tab.listen("/chat", last?.id ?? null);
    await chat.adapter.showTyping(chat.address(channel));
    expect((await again.next())?.name).toBe("typing");
  });

  it("begins anew for a tab that missed something", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const events = await tab.listen();
    const snapshot = await events.next();
    await events.close();
    await chat.adapter.send(chat.address(channel), chat.final("Missed"));
    const again = await tab.listen("/chat", snapshot?.id ?? null);
    expect((await again.expect("snapshot")).messages).toMatchObject([{ text: "Missed" }]);
  });

  it("loses nothing that happens while it begins", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const opening = tab.listen();
    const sending = chat.adapter.send(chat.address(channel), chat.final("Meanwhile"));
    const events = await opening;
    await sending;
    const { messages } = await events.expect("snapshot");
    const isInSnapshot = messages?.length === 1;
    if (!isInSnapshot) expect(await events.expect("message")).toMatchObject({ text: "Meanwhile" });
  });

  it("ends the oldest of more tabs than a person can have", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const first = await tab.listen();
    await first.expect("snapshot");
    for (let count = 2; count <= 8; count += 1) await tab.listen();
    const ninth = await tab.listen();
    await first.expect("replaced");
    expect(await first.next()).toBeNull();
    await ninth.expect("snapshot");
  });

  it("beats every 15 seconds while somebody listens", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const events = await tab.listen();
    expect(await events.nextChunk()).toContain("event: snapshot");
    expect(await events.nextChunk()).toContain("retry: 1000");
    await chat.clock.advance(14_999);
    await chat.clock.advance(1);
    expect(await events.nextChunk()).toBe("event: beat\ndata: {}\n\n");
    await events.close();
    await chat.clock.advance(15_000);
    expect(chat.clock.sleepers).toBe(0);
  });

  it("is cut off from a reader that falls a megabyte behind", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const events = await tab.listen();
    for (let index = 0; index < 12; index += 1) {
      await chat.adapter.send(chat.address(channel), chat.final("x".repeat(99_000)));
    }
    const names: (string | undefined)[] = [];
    for (let event = await events.next(); event !== null; event = await events.next()) {
      names.push(event.name);
    }
    expect(names).toEqual(["snapshot", ...Array(11).fill("message")]);
  });

  it("ends when the server closes", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const events = await tab.listen();
    await events.expect("snapshot");
    tab.closeServer();
    expect(await events.next()).toBeNull();
  });

  it("ends when the adapter stops, which then opens no more", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const events = await tab.listen();
    await events.expect("snapshot");
    await chat.adapter.stop();
    expect(await events.next()).toBeNull();
    expect((await tab.request("GET", "/chat/events")).status).toBe(503);
    expect(chat.clock.sleepers).toBe(0);
  });

  it("is not held back by proxies", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const { headers } = await tab.request("GET", "/chat/events");
    expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(headers.get("cache-control")).toContain("no-store");
  });
});
