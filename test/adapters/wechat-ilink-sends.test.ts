import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IlinkSession } from "../../src/adapters/wechat/ilink/ilink-session.ts";
import { openSession } from "../../src/adapters/wechat/ilink/open-session.ts";
import type { IlinkPerson } from "../fakes/wechat/ilink-person.ts";
import { IlinkWorld } from "../fakes/wechat/ilink-world.ts";

const HOUR_MS = 60 * 60_000;

let world: IlinkWorld;
let zhang: IlinkPerson;
let token: string;
let ended: number;

beforeEach(async () => {
  world = await IlinkWorld.start({ holdMs: 20 });
  zhang = world.server.addPerson("zhang");
  await signIn();
});

afterEach(async () => {
  await world.stop();
});

/** The person has a bot; nobody polls it but the test. */
async function signIn(): Promise<void> {
  ended = 0;
  const response = await fetch(`${world.server.url}/ilink/bot/get_bot_qrcode?bot_type=3`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "iLink-App-Id": "bot",
      "iLink-App-ClientVersion": "1",
      AuthorizationType: "ilink_bot_token",
      "X-WECHAT-UIN": "MQ==",
    },
    body: JSON.stringify({ local_token_list: [] }),
  });
  await response.arrayBuffer();
  token = world.server.confirm(await world.code(world.server.codes.length - 1), zhang);
}

/** As after a start of the program. */
async function session(): Promise<IlinkSession> {
  const { memory, box, clock, log, server } = world;
  const credentials = {
    personId: zhang.id,
    botId: zhang.botId,
    token,
    baseUrl: server.url,
    connectedAtMs: 0,
  };
  const onEnded = () => {
    ended += 1;
  };
  return openSession({ credentials, memory, box, clock, log, onEnded });
}

async function poll(receiver: IlinkSession): Promise<string[]> {
  const { signal } = new AbortController();
  const updates = await receiver.client.readUpdates(receiver.cursor.next, signal);
  const parts = await receiver.receive(updates);
  return parts.map(({ text }) => text);
}

async function opened(): Promise<IlinkSession> {
  const open = await session();
  world.server.write(zhang, "hello");
  await poll(open);
  return open;
}

describe("sending through iLink", () => {
  it("lets nine messages out for one of the person, and then none before they write", async () => {
    const open = await opened();
    for (let left = 9; left > 0; left -= 1) {
      expect(open.sendsLeft).toBe(left);
      await open.sendText(String(left));
    }
    expect(open.sendsLeft).toBe(0);
    await expect(open.sendText("one too many")).rejects.toMatchObject({
      code: "window_closed",
      kind: "window_closed",
    });
    expect(world.server.callsOf("sendmessage")).toHaveLength(9);

    world.server.write(zhang, "继续");
    await poll(open);
    await open.sendText("on we go");
    expect(zhang.texts.at(-1)).toBe("on we go");
    expect(world.server.faults).toEqual([]);
  });

  it("waits rather than fails when messages come faster than one a second", async () => {
    const open = await opened();
    await Promise.all(["a", "b", "c", "d"].map((text) => open.sendText(text)));
    expect(zhang.texts).toEqual(["a", "b", "c", "d"]);
    const times = world.server.callsOf("sendmessage").map(({ atMs }) => atMs);
    for (const [index, atMs] of times.slice(1).entries()) {
      expect(atMs - (times[index] ?? 0)).toBeGreaterThanOrEqual(1_000);
    }
  });

  it("does not fall behind the count in a restart", async () => {
    const first = await opened();
    for (let sent = 0; sent < 6; sent += 1) await first.sendText("x");
    const second = await session();
    expect(second.sendsLeft).toBe(3);
    for (let sent = 0; sent < 3; sent += 1) await second.sendText("y");
    expect((await session()).sendsLeft).toBe(0);
  });

  it("gives nothing for a message it knows, also after a restart", async () => {
    const first = await session();
    const id = world.server.write(zhang, "hello");
    await poll(first);
    await first.sendText("answer");
    expect(await poll(first)).toEqual([]);
    const second = await session();
    world.server.deliver(zhang, [{ type: 1, text_item: { text: "hello" } }], { message_id: id });
    expect(await poll(second)).toEqual(["hello"]);
    expect(second.sendsLeft).toBe(8);
    world.server.write(zhang, "new");
    await poll(second);
    expect(second.sendsLeft).toBe(9);
  });

  it("passes a message on once, whether it comes again in one poll or in the next", async () => {
    const open = await session();
    const words = [{ type: 1, text_item: { text: "hello" } }];
    const id = world.server.deliver(zhang, words);
    world.server.deliver(zhang, words, { message_id: id });
    expect(await poll(open)).toEqual(["hello"]);
    world.server.deliver(zhang, words, { message_id: id });
    world.server.write(zhang, "other");
    expect(await poll(open)).toEqual(["other"]);
  });

  it("brings again what nobody confirmed, and goes on behind what was", async () => {
    const first = await session();
    const ids = ["one", "two", "three"].map((text) => world.server.write(zhang, text));
    await poll(first);
    first.cursor.confirm(ids[1] ?? "");
    await first.cursor.flush();
    expect(await poll(await session())).toEqual(["one", "two", "three"]);
    for (const id of ids) first.cursor.confirm(id);
    await first.cursor.flush();
    world.server.write(zhang, "four");
    expect(await poll(await session())).toEqual(["four"]);
  });

  it("keeps the first unconfirmed message in reach, whatever comes and is confirmed after it", async () => {
    const first = await session();
    world.server.write(zhang, "one");
    await poll(first);
    const two = world.server.write(zhang, "two");
    await poll(first);
    first.cursor.confirm(two);
    await first.cursor.flush();
    expect(await poll(await session())).toEqual(["one", "two"]);
  });

  it("may answer for a day after the person wrote, and no longer", async () => {
    const open = await opened();
    world.clock.skip(24 * HOUR_MS - 60_000);
    expect(open.sendsLeft).toBe(9);
    await open.sendText("just in time");
    world.clock.skip(60_000);
    expect(open.sendsLeft).toBe(0);
    await expect(open.sendText("too late")).rejects.toMatchObject({ code: "window_closed" });
    expect(zhang.texts).toEqual(["just in time"]);
  });

  it("counts the day from when the person wrote, not from when we heard of it", async () => {
    const open = await session();
    world.server.write(zhang, "while you were away");
    world.clock.skip(23 * HOUR_MS);
    await poll(open);
    expect(open.sendsLeft).toBe(9);
    world.clock.skip(HOUR_MS);
    expect(open.sendsLeft).toBe(0);
  });

  it("never tries again what iLink throttles, and waits for the person", async () => {
    const open = await opened();
    world.server.failNext("sendmessage", { ret: -2 });
    await expect(open.sendText("throttled")).rejects.toMatchObject({ code: "window_closed" });
    await expect(open.sendText("next")).rejects.toMatchObject({ code: "window_closed" });
    expect(world.server.callsOf("sendmessage")).toHaveLength(1);
    expect((await session()).sendsLeft).toBe(0);
    world.server.write(zhang, "again");
    await poll(open);
    await open.sendText("there you are");
    expect(zhang.texts).toEqual(["there you are"]);
  });

  it("tells a refusal of another kind from success, though HTTP says 200", async () => {
    const open = await opened();
    world.server.failNext("sendmessage", { ret: -1 });
    await expect(open.sendText("no")).rejects.toMatchObject({ kind: "rejected" });
    world.server.failNext("sendmessage", { status: 502 });
    await expect(open.sendText("no")).rejects.toMatchObject({ kind: "overloaded" });
    expect(open.sendsLeft).toBe(7);
  });

  it("counts what may have arrived, and not what surely did not", async () => {
    const open = await opened();
    world.server.failNext("sendmessage", "lost");
    await expect(open.sendText("arrived, unanswered")).rejects.toMatchObject({
      kind: "unreachable",
    });
    expect(zhang.texts).toEqual(["arrived, unanswered"]);
    expect(open.sendsLeft).toBe(8);
    await world.server.cut();
    await expect(open.sendText("never left")).rejects.toMatchObject({ kind: "unreachable" });
    expect(open.sendsLeft).toBe(8);
    await world.server.restore();
  });

  it("sends nothing to somebody who never wrote", async () => {
    const open = await session();
    expect(open.sendsLeft).toBe(0);
    await expect(open.sendText("hi")).rejects.toMatchObject({ code: "window_closed" });
    await open.showTyping();
    expect(world.server.calls.map(({ name }) => name)).toEqual(["get_bot_qrcode"]);
  });

  it("sends nothing that it could not count", async () => {
    const open = await opened();
    const write = world.memory.write.bind(world.memory);
    world.memory.write = () => Promise.reject(new Error("database is away"));
    await expect(open.sendText("uncounted")).rejects.toMatchObject({ kind: "unreachable" });
    world.memory.write = write;
    expect(zhang.texts).toEqual([]);
    expect(open.sendsLeft).toBe(9);
  });

  it("ends once when the token is stale, and closes the window", async () => {
    const open = await opened();
    world.server.expireToken(zhang);
    await expect(open.sendText("a")).rejects.toMatchObject({ code: "window_closed" });
    await expect(open.sendText("b")).rejects.toMatchObject({ code: "window_closed" });
    expect(ended).toBe(1);
    expect(open.isEnded).toBe(true);
    expect(world.server.callsOf("sendmessage")).toHaveLength(1);
  });

  it("asks for a new ticket after typing was refused", async () => {
    const open = await opened();
    await open.showTyping();
    await open.showTyping();
    expect(world.server.callsOf("getconfig")).toHaveLength(1);
    world.server.failNext("sendtyping", { ret: -1 });
    await expect(open.showTyping()).rejects.toMatchObject({ kind: "rejected" });
    await open.showTyping();
    expect(world.server.callsOf("getconfig")).toHaveLength(2);
    expect(zhang.typing).toBe(3);
  });

  it("forgets what it knew where SECRET_KEY was changed, and waits for the person", async () => {
    await opened();
    for (const key of (await world.memory.list("allowance:")).keys()) {
      await world.memory.write(key, "sealed:v1:AAAA");
    }
    expect((await session()).sendsLeft).toBe(0);
  });
});
