import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { ReplyWriter } from "../../src/core/chat/reply-writer.ts";
import { say } from "../../src/core/chat/say.ts";
import { address, ConnectedWecom, until, WecomWorld } from "../fakes/wecom/connected-wecom.ts";

const STEP_MS = 250;

let world: WecomWorld;
let wecom: ConnectedWecom;
let budget: EditBudget;

beforeEach(async () => {
  world = await WecomWorld.start();
  wecom = await ConnectedWecom.start(world);
  const { pace, callsPerSecondMax } = wecom.adapter.capabilities;
  budget = new EditBudget(world.clock, pace, callsPerSecondMax);
});

afterEach(async () => {
  await wecom[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

function createWriter(previewsFailed: unknown[] = []): ReplyWriter {
  return new ReplyWriter({
    ...{ sender: wecom.adapter, address: address("ann"), isDirect: true, budget },
    ...{ clock: world.clock, replyTo: null, existing: [], onSent: async () => {} },
    ...{ placeholderText: "…", restText: "…", stopButton: null },
    onPreviewFailed: (error) => previewsFailed.push(error),
  });
}

/** Lets time pass in small steps, so that all that is due happens in between. */
async function pass(ms: number, atEachStep: () => void = () => {}): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
    world.clock.advance(STEP_MS);
    atEachStep();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Time goes on until it is done. */
async function finished<T>(task: Promise<T>): Promise<T> {
  let isDone = false;
  const watched = task.finally(() => {
    isDone = true;
  });
  watched.catch(() => {});
  while (!isDone) await pass(STEP_MS);
  return await watched;
}

function refusals() {
  return world.server.calls.filter(({ code }) => code !== 0);
}

describe("a flood of updates", () => {
  it("is thinned to what WeCom takes in a minute, and ends exactly", async () => {
    await wecom.hear("tell me a long story");
    const failed: unknown[] = [];
    const writer = createWriter(failed);
    let text = "";
    await pass(150_000, () => {
      text += "and then ";
      writer.write(text);
    });
    await finished(writer.finish({ text: `${text}the end`, buttons: [] }));
    expect(refusals()).toEqual([]);
    expect(failed).toEqual([]);
    const [story, ...others] = world.server.seenIn("ann");
    expect(others).toEqual([]);
    expect(story).toMatchObject({ text: `${text}the end`, isFinished: true });
    // It is shown as often as that allows all the same.
    expect(story?.writes).toBeGreaterThan(50);
  });

  it("leaves room for commands", async () => {
    await wecom.hear("tell me a long story");
    const writer = createWriter();
    let text = "";
    const write = () => {
      text += "and then ";
      writer.write(text);
    };
    await pass(60_000, write);
    await wecom.hear("/balance");
    const connection = { sender: wecom.adapter, budget };
    const saying = { to: address("ann"), isDirect: true, text: "10 messages", replyTo: null };
    const said = say(connection, saying);
    await pass(3_000, write);
    await said;
    await finished(writer.finish({ text, buttons: [] }));
    expect(refusals()).toEqual([]);
    expect(world.server.seenIn("ann").map(({ text: shown }) => shown)).toContain("10 messages");
  });
});

describe("an answer as the core shows it", () => {
  it("that is stopped ends its stream with what came", async () => {
    await wecom.hear("count to a thousand");
    const writer = createWriter();
    writer.write("1 2 3");
    await until(() => world.server.seenIn("ann").length === 1);
    await wecom.hear("停止");
    await finished(writer.finish({ text: "1 2 3\n\n⏹", buttons: [] }));
    expect(world.server.seenIn("ann")).toMatchObject([{ text: "1 2 3\n\n⏹", isFinished: true }]);
  });

  it("longer than one stream goes on in messages, and nothing is lost", async () => {
    await wecom.hear("everything please");
    const writer = createWriter();
    const paragraphs = Array.from(
      { length: 500 },
      (_, index) => `${index} 汉字汉字汉字汉字汉字汉字`,
    );
    const text = paragraphs.join("\n\n");
    writer.write(text);
    await pass(10_000);
    await finished(writer.finish({ text, buttons: [] }));
    const seen = world.server.seenIn("ann");
    expect(seen.map(({ kind }) => kind)).toEqual(["stream", "markdown"]);
    expect(seen.every(({ isFinished }) => isFinished)).toBe(true);
    expect(seen.map((message) => message.text).join("\n\n")).toBe(text);
    expect(refusals()).toEqual([]);
  });

  it("that took more than six minutes is there in full", async () => {
    await wecom.hear("think hard");
    const writer = createWriter();
    writer.write("Well");
    await until(() => world.server.seenIn("ann").length === 1);
    world.clock.advance(7 * 60_000);
    writer.write("Well, I think");
    await pass(10_000);
    await finished(writer.finish({ text: "Well, I think so.", buttons: [] }));
    expect(world.server.seenIn("ann").at(-1)).toMatchObject({
      kind: "markdown",
      text: "Well, I think so.",
    });
  });

  it("that nobody could see grow comes whole", async () => {
    await wecom.hear("hello");
    world.server.chats.forgetRequests();
    const writer = createWriter();
    writer.write("Hel");
    await pass(5_000);
    await finished(writer.finish({ text: "Hello.", buttons: [] }));
    expect(world.server.seenIn("ann")).toMatchObject([{ kind: "markdown", text: "Hello." }]);
  });
});
