import { describe, expect, it } from "vitest";
import { createId } from "../../src/core/ids.ts";
import { REPLY_ID, WebChat } from "../fakes/web-chat.ts";
import type { EventData } from "../fakes/web-tab.ts";

describe("requests of the page", () => {
  it("are refused without a session", async () => {
    const chat = await new WebChat().start();
    const stranger = chat.browser();
    for (const path of [
      "/chat/events",
      "/chat/state",
      "/chat/messages?before=x",
      "/chat/turns?number=1",
      "/chat/files/x",
    ]) {
      expect((await stranger.request("GET", path)).status).toBe(401);
    }
    expect((await stranger.say("Hi")).status).toBe(401);
  });

  it.each([
    ["another site, as the browser says", { "sec-fetch-site": "cross-site" }, 403],
    ["a sister site, as the browser says", { "sec-fetch-site": "same-site" }, 403],
    ["another origin", { origin: "https://evil.example" }, 403],
    ["no origin at all", { origin: "null" }, 403],
    ["our own page", { "sec-fetch-site": "same-origin", origin: "http://chat.example" }, 202],
    ["our own page behind a proxy with https", { origin: "https://chat.example" }, 202],
    ["a program", {}, 202],
    ["a form", { "content-type": "text/plain" }, 400],
  ])("that write and come from %s are answered rightly", async (_name, headers, status) => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const body = { id: createId(chat.clock.now()), text: "Hi" };
    const given = Object.fromEntries(Object.entries(headers));
    const response = await tab.request("POST", "/chat/messages", { body, headers: given });
    expect(response.status).toBe(status);
  });

  it("with another method are refused", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    expect((await tab.request("DELETE", "/chat/messages")).status).toBe(405);
    expect((await tab.request("POST", "/chat/state", { body: {} })).status).toBe(405);
  });

  it("press buttons", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const id = "0b2e43a5-7a3f-4c3c-9a58-3d2b0f8f9c11";
    const body = { id, action: "stop", replyId: REPLY_ID };
    const response = await tab.request("POST", "/chat/actions", { body });
    expect(await response.json()).toEqual({ text: "Done." });
    expect(chat.actions).toMatchObject([
      { id, action: "stop", replyId: REPLY_ID, isDirect: true, address: { channel } },
    ]);
    const unknown = { ...body, action: "explode" };
    expect((await tab.request("POST", "/chat/actions", { body: unknown })).status).toBe(400);
    for (const replyId of ["", "x", "../1", `${REPLY_ID}0`, null]) {
      const malformed = { ...body, replyId };
      expect((await tab.request("POST", "/chat/actions", { body: malformed })).status).toBe(400);
    }
    expect(chat.actions).toHaveLength(1);
  });

  it("read the panel and old turns as the person they are", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const state = await (await tab.request("GET", "/chat/state")).json();
    expect(state).toMatchObject({ locale: "en", isAdmin: false });
    expect(chat.viewers).toMatchObject([{ address: { channel }, isAdmin: false }]);
    const turns = await tab.request("GET", "/chat/turns?number=1");
    expect(await turns.json()).toMatchObject({ turns: [{ author: "user", text: "Hi" }] });
    expect((await tab.request("GET", "/chat/turns?number=0")).status).toBe(400);
    await expect(tab.request("GET", "/chat/turns?number=2")).rejects.toMatchObject({
      code: "unknown_conversation",
    });
  });

  it("page through older messages", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const ids: string[] = [];
    for (let index = 0; index < 101; index += 1) {
      ids.push((await chat.adapter.send(chat.address(channel), chat.final(`${index}`))).id);
    }
    const newest = await (await tab.listen()).expect("snapshot");
    expect(newest.messages?.map(({ id }) => id)).toEqual(ids.slice(51));
    expect(newest.hasEarlier).toBe(true);
    const read = async (before: string | undefined): Promise<EventData> =>
      (await (await tab.request("GET", `/chat/messages?before=${before}`)).json()) as EventData;
    const middle = await read(ids[51]);
    expect(middle.messages?.map(({ id }) => id)).toEqual(ids.slice(1, 51));
    expect(middle.hasEarlier).toBe(true);
    const first = await read(ids[1]);
    expect(first).toMatchObject({ messages: [{ id: ids[0] }], hasEarlier: false });
  });

  it("get fewer messages at once when they are long, but always one", async () => {
    const chat = await new WebChat().start();
    const { tab, channel } = await chat.visitor();
    const send = (length: number) =>
      chat.adapter.send(chat.address(channel), chat.final("x".repeat(length)));
    for (let index = 0; index < 6; index += 1) await send(100_000);
    expect((await (await tab.listen()).expect("snapshot")).messages).toHaveLength(3);
    await send(500_000);
    expect((await (await tab.listen()).expect("snapshot")).messages).toHaveLength(1);
  });
});
