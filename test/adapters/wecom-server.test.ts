import { WSClient } from "@wecom/aibot-node-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BOT_ID, SECRET, until, WecomWorld } from "../fakes/wecom/connected-wecom.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let world: WecomWorld;
let client: WSClient;
let reqId: string;

/** Tencent's own client, as it is. */
async function connect(secret = SECRET): Promise<WSClient> {
  const wsUrl = world.server.url;
  const options = { botId: BOT_ID, secret, wsUrl, maxReconnectAttempts: 0, logger: quiet };
  const made = new WSClient({ ...options, maxAuthFailureAttempts: 0 });
  const settled = new Promise<void>((resolve, reject) => {
    made.on("authenticated", resolve);
    made.on("error", reject);
  });
  made.connect();
  await settled;
  return made;
}

/** Writes to a stream that answers the message. */
function write(content: string, { id = "s1", finish = false, to = reqId } = {}) {
  return client.replyStream({ headers: { req_id: to } }, id, content, finish);
}

beforeEach(async () => {
  world = await WecomWorld.start();
  client = await connect();
  const heard = new Promise<string>((resolve) => {
    client.on("message", ({ headers }) => resolve(headers.req_id));
  });
  world.server.says("hello");
  reqId = await heard;
});

afterEach(async () => {
  client.disconnect();
  await world[Symbol.asyncDispose]();
});

describe("the strict WeCom of the tests", () => {
  it("lets nobody in with a wrong secret", async () => {
    await expect(connect("wrong")).rejects.toThrow("853000");
  });

  it("takes 20480 bytes and not one more", async () => {
    await write("a".repeat(20_480));
    await expect(write("a".repeat(20_481))).rejects.toMatchObject({ errcode: 40059 });
  });

  it("knows its requests, and takes one stream for each", async () => {
    await expect(write("a", { to: "nonsense" })).rejects.toMatchObject({ errcode: 846605 });
    await write("a");
    await expect(write("b", { id: "s2" })).rejects.toMatchObject({ errcode: 846605 });
  });

  it("takes nothing after the end of a stream", async () => {
    await write("a", { finish: true });
    await expect(write("b")).rejects.toMatchObject({ errcode: 846608 });
  });

  it("takes nothing six minutes after a stream began", async () => {
    await write("a");
    world.clock.advance(6 * 60_000 - 1_000);
    await write("b");
    world.clock.advance(1_000);
    await expect(write("c")).rejects.toMatchObject({ errcode: 846608 });
  });

  it("takes 30 calls a minute for one chat", async () => {
    for (let call = 1; call <= 30; call += 1) await write(`${call}`);
    await expect(write("31")).rejects.toMatchObject({ errcode: 846607 });
    world.clock.advance(60_000);
    await write("32");
  });

  it("takes messages to those only who wrote before", async () => {
    const body = { msgtype: "markdown" as const, markdown: { content: "hi" } };
    await client.sendMessage("ann", body);
    await expect(client.sendMessage("bob", body)).rejects.toMatchObject({ errcode: 846607 });
  });

  it("takes a greeting for five seconds, and for nothing but an opened chat", async () => {
    const hello = { msgtype: "text" as const, text: { content: "hi" } };
    const greet = (to: string) => client.replyWelcome({ headers: { req_id: to } }, hello);
    await expect(greet(reqId)).rejects.toMatchObject({ errcode: 846605 });
    await greet(world.server.enters("ann"));
    const late = world.server.enters("bob");
    world.clock.advance(5_001);
    await expect(greet(late)).rejects.toMatchObject({ errcode: 846605 });
  });

  it("has one connection a bot", async () => {
    const displaced = new Promise<void>((resolve) => {
      client.on("event.disconnected_event", () => resolve());
    });
    const other = await connect();
    await displaced;
    await until(() => !client.isConnected);
    other.disconnect();
  });
});
