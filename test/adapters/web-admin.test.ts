import { describe, expect, it } from "vitest";
import { ADMIN_KEY, WebChat } from "../fakes/web-chat.ts";

const MINUTE_MS = 60_000;
const codes = { name: "may.txt", content: "CODE-AAA\nCODE-BBB\n", caption: "2 cards" };

describe("the admin chat", () => {
  it("opens with its key, for everybody who has it, as one private channel", async () => {
    const chat = await new WebChat().start();
    const [alice, bob] = [await chat.admin(), await chat.admin()];
    const events = await bob.listen("/admin-chat");
    await events.expect("snapshot");
    expect((await alice.say("/stats", {}, "/admin-chat")).status).toBe(202);
    expect(chat.messages).toMatchObject([
      {
        address: { platform: "web", bot: "web", channel: "admin", thread: null },
        sender: { platformUserId: "admin" },
        text: "/stats",
        isDirect: true,
      },
    ]);
    expect(await events.expect("message")).toMatchObject({ text: "/stats", author: "person" });
    await alice.request("GET", "/admin-chat/state");
    expect(chat.viewers).toMatchObject([{ isAdmin: true }]);
  });

  it("stays shut without the key, to visitors of the open chat too", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    expect((await tab.request("GET", "/admin-chat")).status).toBe(200);
    expect((await tab.request("GET", "/admin-chat/events")).status).toBe(401);
    expect((await tab.say("/stats", {}, "/admin-chat")).status).toBe(401);
    const wrong = await tab.request("POST", "/admin-chat/session", { body: { key: "guess" } });
    expect(wrong.status).toBe(403);
    expect(wrong.headers.getSetCookie()).toEqual([]);
    expect(chat.messages).toEqual([]);
  });

  it("does not make its admins visitors of the open chat", async () => {
    const chat = await new WebChat().start();
    const admin = await chat.admin();
    expect((await admin.request("GET", "/chat/state")).status).toBe(401);
  });

  it("limits how often a key can be guessed from one network", async () => {
    const chat = await new WebChat().start();
    const tab = chat.browser();
    const guess = (key: string) => tab.request("POST", "/admin-chat/session", { body: { key } });
    for (let count = 1; count <= 9; count += 1) expect((await guess("wrong")).status).toBe(403);
    for (let count = 1; count <= 20; count += 1) expect((await guess(ADMIN_KEY)).status).toBe(200);
    expect((await guess("wrong")).status).toBe(403);
    const refused = await guess(ADMIN_KEY);
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { error: { code: "too_many_attempts", retryAfterMs: 10 * MINUTE_MS } },
    ]);
    tab.remoteAddress = "198.51.100.7";
    expect((await guess(ADMIN_KEY)).status).toBe(200);
    tab.remoteAddress = "192.0.2.1";
    await chat.clock.advance(10 * MINUTE_MS - 1);
    expect((await guess(ADMIN_KEY)).status).toBe(429);
    await chat.clock.advance(1);
    expect((await guess(ADMIN_KEY)).status).toBe(200);
  });

  it("takes keys from its own page only", async () => {
    const chat = await new WebChat().start();
    const headers = { "sec-fetch-site": "cross-site" };
    const body = { key: ADMIN_KEY };
    const response = await chat.browser().request("POST", "/admin-chat/session", { body, headers });
    expect(response.status).toBe(403);
  });

  it("has no address where no key is configured", () => {
    const paths = new WebChat({ adminKey: null }).adapter.routes.map((route) => route.path);
    expect(paths.some((path) => path.startsWith("/admin-chat"))).toBe(false);
    expect(paths).toContain("/");
  });

  it("is all there is where the open chat is off", () => {
    const paths = new WebChat({ isChatOpen: false }).adapter.routes.map((route) => route.path);
    expect(paths).toContain("/admin-chat");
    expect(paths.some((path) => path === "/" || path.startsWith("/chat"))).toBe(false);
  });
});

describe("a file", () => {
  it("can be fetched in its channel, and is stored by its name only", async () => {
    const chat = await new WebChat().start();
    const admin = await chat.admin();
    const { id } = await chat.adapter.sendFile(chat.address("admin"), codes);
    const response = await admin.request("GET", `/admin-chat/files/${id}`);
    expect(await response.text()).toBe(codes.content);
    expect(response.headers.get("content-disposition")).toBe(
      "attachment; filename*=UTF-8''may.txt",
    );
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const stored = await chat.store.list("admin", 10, null);
    expect(stored).toMatchObject([{ id, text: "2 cards", fileName: "may.txt" }]);
    expect(JSON.stringify([stored, chat.log.lines])).not.toContain("CODE");
  });

  it("can be fetched for 15 minutes", async () => {
    const chat = await new WebChat().start();
    const admin = await chat.admin();
    const { id } = await chat.adapter.sendFile(chat.address("admin"), codes);
    const fetchStatus = async () => (await admin.request("GET", `/admin-chat/files/${id}`)).status;
    await chat.clock.advance(15 * MINUTE_MS - 1);
    expect(await fetchStatus()).toBe(200);
    await chat.clock.advance(1);
    expect(await fetchStatus()).toBe(410);
  });

  it("cannot be fetched by anybody else", async () => {
    const chat = await new WebChat().start();
    const { tab } = await chat.visitor();
    const { id } = await chat.adapter.sendFile(chat.address("admin"), codes);
    expect((await tab.request("GET", `/chat/files/${id}`)).status).toBe(410);
    expect((await tab.request("GET", `/admin-chat/files/${id}`)).status).toBe(401);
  });

  it("makes room for newer ones of its channel, five of which are kept", async () => {
    const chat = await new WebChat().start();
    const admin = await chat.admin();
    const ids: string[] = [];
    for (let count = 1; count <= 6; count += 1) {
      ids.push((await chat.adapter.sendFile(chat.address("admin"), codes)).id);
    }
    const { channel } = await chat.visitor();
    await chat.adapter.sendFile(chat.address(channel), codes);
    const statuses: number[] = [];
    for (const id of ids) {
      statuses.push((await admin.request("GET", `/admin-chat/files/${id}`)).status);
    }
    expect(statuses).toEqual([410, 200, 200, 200, 200, 200]);
  });

  it("is kept however long it is, in place of older ones", async () => {
    const chat = await new WebChat().start();
    const admin = await chat.admin();
    const small = await chat.adapter.sendFile(chat.address("admin"), codes);
    const content = "x".repeat(33 * 1024 * 1024);
    const large = await chat.adapter.sendFile(chat.address("admin"), { ...codes, content });
    const status = async (id: string) =>
      (await admin.request("GET", `/admin-chat/files/${id}`)).status;
    expect(await status(large.id)).toBe(200);
    expect(await status(small.id)).toBe(410);
  });

  it("is not kept when its message could not be stored", async () => {
    const chat = await new WebChat().start();
    chat.store.failure = new Error("the database is away");
    await expect(chat.adapter.sendFile(chat.address("admin"), codes)).rejects.toMatchObject({
      kind: "unreachable",
    });
  });
});
