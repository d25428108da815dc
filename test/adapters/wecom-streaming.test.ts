import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  address,
  ConnectedWecom,
  draft,
  outgoing,
  until,
  WecomWorld,
} from "../fakes/wecom/connected-wecom.ts";

const MINUTE_MS = 60_000;

let world: WecomWorld;
let wecom: ConnectedWecom;

beforeEach(async () => {
  world = await WecomWorld.start();
  wecom = await ConnectedWecom.start(world);
});

afterEach(async () => {
  await wecom[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

function seen(chat = "ann") {
  return world.server
    .seenIn(chat)
    .map(({ kind, text, isFinished }) => ({ kind, text, isFinished }));
}

describe("an answer", () => {
  it("grows in one stream and ends", async () => {
    await wecom.hear("what is up?");
    const sent = await wecom.adapter.send(address("ann"), draft("…"));
    await wecom.adapter.edit(sent, draft("the sk"));
    expect(seen()).toEqual([{ kind: "stream", text: "the sk", isFinished: false }]);
    await wecom.adapter.edit(sent, outgoing("the **sky** 🌤️"));
    expect(seen()).toEqual([{ kind: "stream", text: "the **sky** 🌤️", isFinished: true }]);
    expect(world.server.seenIn("ann")[0]?.writes).toBe(3);
  });

  it("can be ended twice with the same words, and not be changed any more", async () => {
    await wecom.hear("what is up?");
    const sent = await wecom.adapter.send(address("ann"), draft("…"));
    await wecom.adapter.edit(sent, outgoing("the sky"));
    await wecom.adapter.edit(sent, outgoing("the sky"));
    await expect(wecom.adapter.edit(sent, outgoing("the roof"))).rejects.toMatchObject({
      kind: "message_gone",
    });
    expect(seen()).toEqual([{ kind: "stream", text: "the sky", isFinished: true }]);
  });

  it("goes on in messages of its own where the stream is full", async () => {
    await wecom.hear("tell me everything");
    const sent = await wecom.adapter.send(address("ann"), draft("one"));
    await wecom.adapter.edit(sent, outgoing("part one"));
    await wecom.adapter.send(address("ann"), outgoing("part two"));
    expect(seen().map(({ kind, text }) => [kind, text])).toEqual([
      ["stream", "part one"],
      ["markdown", "part two"],
    ]);
  });

  it("holds 20480 bytes, and what is longer is cut before WeCom refuses it", async () => {
    await wecom.hear("long please");
    const sent = await wecom.adapter.send(address("ann"), draft("…"));
    const full = `${"汉".repeat(6_826)}ab`;
    expect(Buffer.byteLength(full)).toBe(20_480);
    await wecom.adapter.edit(sent, draft(full));
    // One byte more is never sent: the text is cut before.
    await wecom.adapter.edit(sent, outgoing(`${full}c`));
    const text = world.server.seenIn("ann")[0]?.text ?? "";
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(20_480);
    expect(text.endsWith("汉…")).toBe(true);
    expect(world.server.calls.every(({ code }) => code === 0)).toBe(true);
    const { textBytesMax } = wecom.adapter.capabilities;
    expect(textBytesMax).toBeLessThan(20_480);
  });

  it("keeps emoji of several characters whole", async () => {
    await wecom.hear("smile");
    const family = "👨‍👩‍👧‍👦🏳️‍🌈";
    const sent = await wecom.adapter.send(address("ann"), draft(family));
    await wecom.adapter.edit(sent, outgoing(family.repeat(50)));
    expect(world.server.seenIn("ann")[0]?.text).toBe(family.repeat(50));
  });

  it("that is complete at once in a group answers the message it names", async () => {
    const question = await wecom.hear("@Dianka hi", { group: "g1" });
    await wecom.adapter.send(address("g1"), outgoing("hello", { replyTo: question.id }));
    expect(seen("g1")).toEqual([{ kind: "stream", text: "hello", isFinished: true }]);
  });
});

describe("several questions", () => {
  it("each have their own stream in a group", async () => {
    const first = await wecom.hear("@Dianka one?", { group: "g1", from: "ann" });
    const second = await wecom.hear("@Dianka two?", { group: "g1", from: "bob" });
    const one = await wecom.adapter.send(address("g1"), draft("1", { replyTo: first.id }));
    const two = await wecom.adapter.send(address("g1"), draft("2", { replyTo: second.id }));
    await wecom.adapter.edit(two, outgoing("two!"));
    await wecom.adapter.edit(one, outgoing("one!"));
    expect(seen("g1").map(({ text }) => text)).toEqual(["one!", "two!"]);
  });

  it("keep their place when a notice comes in between", async () => {
    await wecom.hear("a question");
    await wecom.adapter.send(address("ann"), outgoing("News for everybody"));
    await wecom.adapter.send(address("ann"), draft("The ans"));
    expect(seen().map(({ kind }) => kind)).toEqual(["markdown", "stream"]);
  });

  it("keep their place when the answer before them needs a second message", async () => {
    await wecom.hear("first");
    await wecom.adapter.send(address("ann"), draft("one"));
    await wecom.hear("second");
    await expect(wecom.adapter.send(address("ann"), draft("more"))).rejects.toMatchObject({
      kind: "rejected",
    });
    await wecom.adapter.send(address("ann"), outgoing("more of one"));
    expect(seen().map(({ kind }) => kind)).toEqual(["stream", "markdown"]);
  });

  it("leave a command's answer to the command", async () => {
    await wecom.hear("a question");
    await wecom.hear("/balance");
    await wecom.adapter.send(address("ann"), outgoing("10 messages"));
    await wecom.adapter.send(address("ann"), draft("The ans"));
    expect(seen().map(({ kind, text }) => [kind, text])).toEqual([
      ["stream", "10 messages"],
      ["stream", "The ans"],
    ]);
  });
});

describe("a stream that may not be written any more", () => {
  it("is gone after six minutes, and the answer comes in a message of its own", async () => {
    await wecom.hear("think hard");
    const sent = await wecom.adapter.send(address("ann"), draft("hm"));
    world.clock.advance(6 * MINUTE_MS);
    await expect(wecom.adapter.edit(sent, outgoing("done"))).rejects.toMatchObject({
      kind: "message_gone",
    });
    await wecom.adapter.send(address("ann"), outgoing("done"));
    expect(seen().map(({ kind, text }) => [kind, text])).toEqual([
      ["stream", "hm"],
      ["markdown", "done"],
    ]);
  });

  it("lives a moment less than that", async () => {
    await wecom.hear("think hard");
    const sent = await wecom.adapter.send(address("ann"), draft("hm"));
    const { edit } = wecom.adapter.capabilities;
    world.clock.advance(edit?.windowMs ?? 0);
    await wecom.adapter.edit(sent, outgoing("done"));
    expect(seen()).toEqual([{ kind: "stream", text: "done", isFinished: true }]);
  });

  it("whose request is unknown is gone as well", async () => {
    await wecom.hear("hello");
    const sent = await wecom.adapter.send(address("ann"), draft("hm"));
    world.server.chats.forgetRequests();
    await expect(wecom.adapter.edit(sent, draft("hmm"))).rejects.toMatchObject({
      kind: "message_gone",
    });
  });

  it("and cannot be begun either: previews wait, the whole answer is sent", async () => {
    const question = await wecom.hear("@Dianka hello", { group: "g1" });
    world.server.chats.forgetRequests();
    const replyTo = question.id;
    await expect(wecom.adapter.send(address("g1"), draft("hm", { replyTo }))).rejects.toMatchObject(
      { kind: "rejected" },
    );
    await wecom.adapter.send(address("g1"), outgoing("hello!", { replyTo }));
    expect(seen("g1")).toEqual([{ kind: "markdown", text: "hello!", isFinished: true }]);
  });

  it("is not asked about a message of its own: it says this, or it is gone", async () => {
    await wecom.hear("hello");
    const sent = await wecom.adapter.send(address("ann"), outgoing("news"));
    const calls = world.server.calls.length;
    await wecom.adapter.edit(sent, outgoing("news"));
    await expect(wecom.adapter.edit(sent, outgoing("other news"))).rejects.toMatchObject({
      kind: "message_gone",
    });
    expect(world.server.calls).toHaveLength(calls);
  });
});

describe("what WeCom refuses", () => {
  it.each([
    [846607, "rate_limited", 20_000],
    [45009, "rate_limited", 20_000],
    [-1, "overloaded", undefined],
    [40003, "rejected", undefined],
  ])("with %i is told as %s", async (code, kind, retryAfterMs) => {
    await wecom.hear("hello");
    world.server.failNext("aibot_send_msg", code);
    await expect(wecom.adapter.send(address("ann"), outgoing("hi"))).rejects.toMatchObject({
      name: "OutsideError",
      party: "wecom",
      kind,
      retryAfterMs,
    });
  });

  it("for being too often goes on in the same stream later", async () => {
    await wecom.hear("hello");
    world.server.failNext("aibot_respond_msg", 846607);
    const first = wecom.adapter.send(address("ann"), draft("h"));
    await expect(first).rejects.toMatchObject({ kind: "rate_limited" });
    await wecom.adapter.send(address("ann"), outgoing("hello there"));
    expect(seen()).toEqual([{ kind: "stream", text: "hello there", isFinished: true }]);
  });
});

describe("private answers", () => {
  it("reach who wrote in private before", async () => {
    const { sender } = await wecom.hear("hello");
    expect(await wecom.adapter.openDirectChat(sender)).toEqual(address("ann"));
  });

  it("are not tried with who never did", async () => {
    const { sender } = await wecom.hear("@Dianka /balance", { group: "g1", from: "bob" });
    expect(await wecom.adapter.openDirectChat(sender)).toBeNull();
  });

  it("are remembered over a restart", async () => {
    const { sender } = await wecom.hear("hello");
    await wecom.adapter.stop();
    await using next = await ConnectedWecom.start(world, { memory: wecom.memory });
    expect(await next.adapter.openDirectChat(sender)).toEqual(address("ann"));
  });
});

describe("whoever opens the chat", () => {
  it("is greeted at once", async () => {
    await wecom.adapter.stop();
    await using greeting = await ConnectedWecom.start(world, { welcomeText: "您好！" });
    world.server.enters("ann");
    await until(() => seen().length > 0);
    expect(seen()).toEqual([{ kind: "welcome", text: "您好！", isFinished: true }]);
    expect(greeting.core.messages).toEqual([]);
  });

  it("is not greeted where nobody wrote a greeting", async () => {
    world.server.enters("ann");
    await wecom.hear("hello");
    expect(seen()).toEqual([]);
  });
});

describe("the adapter says of itself", () => {
  it("what its texts and commands rely on", () => {
    const { capabilities } = wecom.adapter;
    expect(capabilities).toMatchObject({
      buttons: false,
      plainCommands: true,
      groups: true,
      recall: false,
      sendsPerMessageMax: null,
      edit: { style: "stream" },
    });
  });

  it("that a message cannot be deleted", async () => {
    expect(await wecom.adapter.deleteMessage()).toBe(false);
  });
});
