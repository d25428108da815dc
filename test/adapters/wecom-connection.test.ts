import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryInbox } from "../fakes/memory-inbox.ts";
import {
  address,
  ConnectedWecom,
  draft,
  outgoing,
  SECRET,
  until,
  WecomWorld,
} from "../fakes/wecom/connected-wecom.ts";

let world: WecomWorld;

beforeEach(async () => {
  world = await WecomWorld.start();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

/** Lets time pass until it is connected again, and returns how much that was. */
async function waitForConnection(limitMs: number): Promise<number> {
  for (let waitedMs = 0; waitedMs <= limitMs; waitedMs += 500) {
    for (let turn = 0; turn < 20; turn += 1) {
      if (world.server.isConnected) return waitedMs;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    world.clock.advance(500);
  }
  throw new Error("still not connected");
}

describe("the connection", () => {
  it("stands after the start", async () => {
    await using wecom = await ConnectedWecom.start(world);
    expect(wecom.adapter.problem).toBeNull();
    expect(world.server.subscriptions).toBe(1);
  });

  it("comes back within ten seconds after it was cut, three times in a row", async () => {
    await using wecom = await ConnectedWecom.start(world);
    for (let time = 0; time < 3; time += 1) {
      world.server.cut();
      expect(await waitForConnection(10_000)).toBeLessThanOrEqual(10_000);
      await until(() => wecom.adapter.problem === null);
      await wecom.hear(`hello ${time}`);
    }
    expect(wecom.core.texts).toEqual(["hello 0", "hello 1", "hello 2"]);
  });

  it("that is away for long is a problem, and one that goes away", async () => {
    await using wecom = await ConnectedWecom.start(world);
    world.server.isDown = true;
    world.server.cut();
    await until(() =>
      wecom.log.lines.some(({ sentence }) => sentence === "wecom connection ended"),
    );
    expect(wecom.adapter.problem).toBeNull();
    world.clock.advance(10_000);
    expect(wecom.adapter.problem).toBe("WeCom: connection lost, trying again");
    world.server.isDown = false;
    await waitForConnection(40_000);
    await until(() => wecom.adapter.problem === null);
  });

  it("is tried less and less often while nobody answers", async () => {
    world.server.isDown = true;
    await using wecom = await ConnectedWecom.start(world);
    expect(wecom.adapter.problem).toBe("WeCom cannot be reached");
    await expect(wecom.adapter.send(address("ann"), outgoing("hi"))).rejects.toMatchObject({
      kind: "unreachable",
    });
    for (let second = 0; second < 120; second += 1) {
      world.clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // At once, and after 1, 2, 4, 8, 16, 30, 30 and 30 seconds.
    expect(world.server.connections).toBeGreaterThanOrEqual(6);
    expect(world.server.connections).toBeLessThanOrEqual(9);
  });

  it("that confirms nothing is given up for a new one, and the answer goes on there", async () => {
    await using wecom = await ConnectedWecom.start(world);
    await wecom.hear("hello");
    const sent = await wecom.adapter.send(address("ann"), draft("he"));
    world.server.isSilent = true;
    // The library waits five real seconds for a confirmation.
    await expect(wecom.adapter.edit(sent, draft("hell"))).rejects.toMatchObject({
      kind: "timeout",
    });
    world.server.isSilent = false;
    await until(() =>
      wecom.log.lines.some(({ sentence }) => sentence === "wecom connection ended"),
    );
    await waitForConnection(10_000);
    await until(() => world.server.subscriptions === 2 && wecom.adapter.problem === null);
    await wecom.adapter.edit(sent, outgoing("hello!"));
    expect(world.server.seenIn("ann")).toMatchObject([{ text: "hello!", isFinished: true }]);
  });
});

describe("a wrong secret", () => {
  it("is named, and not tried again for minutes", async () => {
    await using wecom = await ConnectedWecom.start(world, { secret: "not-the-secret" });
    expect(wecom.adapter.problem).toContain("WECOM_BOT_SECRET");
    for (let second = 0; second < 240; second += 1) world.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(world.server.connections).toBe(1);
    world.clock.advance(60_000);
    await until(() => world.server.connections === 2);
  });

  it("is in no log, and neither is what people write", async () => {
    await using wrong = await ConnectedWecom.start(world, { secret: "not-the-secret" });
    await using right = await ConnectedWecom.start(world);
    await right.hear("nobody may read this");
    world.server.failNext("aibot_respond_msg", 40003);
    const answer = right.adapter.send(address("ann"), draft("nor this"));
    await expect(answer).rejects.toMatchObject({ kind: "rejected" });
    world.server.cut();
    await until(() => right.log.lines.some(({ sentence }) => /ended/.test(sentence)));
    const lines = JSON.stringify([...wrong.log.lines, ...right.log.lines]);
    expect(lines).not.toContain("not-the-secret");
    expect(lines).not.toContain(SECRET);
    expect(lines).not.toContain("nobody may");
    expect(lines).not.toContain("nor this");
  });
});

describe("a bot whose connection another program took", () => {
  it("says so and comes back after a minute, not before", async () => {
    await using wecom = await ConnectedWecom.start(world);
    world.server.displace();
    await until(() => wecom.adapter.problem !== null);
    expect(wecom.adapter.problem).toContain("another program");
    world.clock.advance(59_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(world.server.subscriptions).toBe(1);
    world.clock.advance(1_000);
    await until(() => wecom.adapter.problem === null);
    expect(world.server.subscriptions).toBe(2);
  });

  it("leaves it to the next process when it stops", async () => {
    await using old = await ConnectedWecom.start(world);
    await old.adapter.stopListening();
    await using next = await ConnectedWecom.start(world, { inbox: old.inbox });
    await until(() => old.adapter.problem !== null);
    world.clock.advance(10 * 60_000);
    await next.hear("hello");
    expect(next.adapter.problem).toBeNull();
    expect(world.server.subscriptions).toBe(2);
  });
});

describe("a message", () => {
  it("that comes twice is handled once", async () => {
    await using wecom = await ConnectedWecom.start(world);
    const { id } = await wecom.hear("hello");
    world.server.resend(id);
    await wecom.hear("something else");
    expect(wecom.core.texts).toEqual(["hello", "something else"]);
  });

  it("that comes again after a cut is handled once, and answered where it came last", async () => {
    await using wecom = await ConnectedWecom.start(world);
    const { id } = await wecom.hear("hello");
    world.server.cut();
    world.server.chats.forgetRequests();
    await waitForConnection(10_000);
    await until(() => wecom.adapter.problem === null && world.server.subscriptions === 2);
    world.server.resend(id);
    await wecom.hear("/balance");
    const sent = await wecom.adapter.send(address("ann"), draft("hel"));
    await wecom.adapter.edit(sent, outgoing("hello!"));
    expect(wecom.core.texts).toEqual(["hello", "/balance"]);
    expect(world.server.seenIn("ann")).toMatchObject([{ kind: "stream", text: "hello!" }]);
  });

  it("that comes while it stops is kept for the next start", async () => {
    await using old = await ConnectedWecom.start(world);
    await old.adapter.stopListening();
    world.server.says("too late?");
    await until(() => old.inbox.events.length === 1);
    await old.adapter.stop();
    expect(old.core.texts).toEqual([]);
    await using next = await ConnectedWecom.start(world, { inbox: old.inbox });
    await until(() => next.core.texts.length === 1);
    // It is answered as if nothing had happened.
    await next.adapter.send(address("ann"), outgoing("no"));
    await next.adapter.send(address("ann"), draft("not at all"));
    expect(world.server.seenIn("ann").map(({ kind }) => kind)).toEqual(["markdown", "stream"]);
  });

  it("can still be answered while it stops", async () => {
    await using wecom = await ConnectedWecom.start(world);
    await wecom.hear("hello");
    const sent = await wecom.adapter.send(address("ann"), draft("hel"));
    await wecom.adapter.stopListening();
    await wecom.adapter.edit(sent, outgoing("hello!"));
    expect(world.server.seenIn("ann")).toMatchObject([{ text: "hello!", isFinished: true }]);
  });

  it("waits for a database that is away", async () => {
    const inbox = new MemoryInbox();
    const save = inbox.save.bind(inbox);
    let failures = 3;
    inbox.save = async (...rows) => {
      failures -= 1;
      if (failures >= 0) throw new Error("away");
      return await save(...rows);
    };
    await using wecom = await ConnectedWecom.start(world, { inbox });
    world.server.says("hello");
    await until(() => failures < 3 && wecom.adapter.problem !== null);
    expect(wecom.adapter.problem).toBe("WeCom: events cannot be saved to the database");
    for (let second = 0; second < 10; second += 1) {
      world.clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => wecom.core.texts.length === 1);
    expect(wecom.adapter.problem).toBeNull();
  });
});

describe("a restart in the middle of an answer", () => {
  it("goes on in the same stream where its request still counts", async () => {
    const sent = await (async () => {
      await using first = await ConnectedWecom.start(world);
      await first.hear("tell me");
      return await first.adapter.send(address("ann"), draft("once up"));
    })();
    await using second = await ConnectedWecom.start(world);
    await second.adapter.edit(sent, draft("once upon a"));
    await second.adapter.edit(sent, outgoing("once upon a time"));
    expect(world.server.seenIn("ann")).toMatchObject([
      { kind: "stream", text: "once upon a time", isFinished: true, writes: 3 },
    ]);
  });

  it("sends the answer anew where it does not", async () => {
    const sent = await (async () => {
      await using first = await ConnectedWecom.start(world);
      await first.hear("tell me");
      return await first.adapter.send(address("ann"), draft("once up"));
    })();
    world.server.chats.forgetRequests();
    await using second = await ConnectedWecom.start(world);
    await expect(second.adapter.edit(sent, outgoing("once"))).rejects.toMatchObject({
      kind: "message_gone",
    });
    await second.adapter.send(address("ann"), outgoing("once"));
    expect(world.server.seenIn("ann").at(-1)).toMatchObject({ kind: "markdown", text: "once" });
  });
});
