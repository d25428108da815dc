import { describe, expect, it } from "vitest";
import { DemoUpstream } from "../../src/upstreams/demo-upstream.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { ask, readAnswer } from "../fakes/openai-client.ts";

const answerTo = (text: string, outputTokensMax = 4_096) => {
  const demo = new DemoUpstream(new FakeClock({ autoAdvance: true }));
  const turns = [
    { role: "user", text: "An earlier question", images: [] },
    { role: "assistant", text: "An answer", images: [] },
    { role: "user", text, images: [] },
  ] as const;
  return readAnswer(demo, { model: "demo", turns, outputTokensMax });
};

describe("DemoUpstream", () => {
  it("says that it is a demo, what this is and how to connect a key", async () => {
    const { text, events, error } = await answerTo("What is a zebra?");
    expect(error).toBeNull();
    expect(text).toMatch(/^\*\*Demo answer\*\*/);
    expect(text).toContain("> What is a zebra?\n");
    expect(text).toContain("OPENAI_API_KEY");
    expect(text).toMatch(/```sh\n.+\n```/);
    expect(events).toEqual([
      { type: "source", source: { upstream: "demo", modelAnswered: "demo" } },
      { type: "done", usage: null, finish: "stop" },
    ]);
  });

  it("answers a Chinese question in Chinese", async () => {
    const { text } = await answerTo("斑马 (zebra) 是什么？");
    expect(text).toMatch(/^\*\*演示回答\*\*/);
    expect(text).toContain("> 斑马 (zebra) 是什么？\n");
    expect(text).toContain("OPENAI_API_KEY");
  });

  it("repeats a long question shortened and on one line, without cutting a character", async () => {
    const { text } = await answerTo(`${"🦓".repeat(60)}\n\n# ${"🦓".repeat(60)}`);
    expect(text).toContain(`> ${"🦓".repeat(60)} # ${"🦓".repeat(17)}…\n`);
    expect((await answerTo(" \n ")).text).toContain("> …\n");
    expect((await answerTo("x".repeat(80))).text).toContain(`> ${"x".repeat(80)}\n`);
    expect((await answerTo("x".repeat(81))).text).toContain(`> ${"x".repeat(80)}…\n`);
  });

  it("gives about thirty words a second", async () => {
    const clock = new FakeClock();
    const demo = new DemoUpstream(clock);
    const request = ask({ model: "demo", outputTokensMax: 4_096 });
    let words = 0;
    const reading = (async () => {
      for await (const event of demo.complete(request, new AbortController().signal)) {
        if (event.type === "delta") words += 1;
      }
    })();
    await clock.advance(2_000);
    expect(words).toBe(60);
    await clock.advance(60_000);
    await reading;
    expect(words).toBeGreaterThan(100);
  });

  it("keeps to the limit of the answer", async () => {
    const { text, events } = await answerTo("Hi", 12);
    expect(text).toBe("**Demo answer** – no language model");
    expect(events.at(-1)).toMatchObject({ finish: "length" });
  });

  it("stops at once when it is aborted", async () => {
    const clock = new FakeClock();
    const aborter = new AbortController();
    const reading = readAnswer(new DemoUpstream(clock), { model: "demo" }, aborter.signal);
    await clock.advance(100);
    aborter.abort();
    const { text, events, error } = await reading;
    expect(text.length).toBeGreaterThan(0);
    expect(events.map(({ type }) => type)).toEqual(["source"]);
    expect(error).toBeNull();
    expect(clock.sleepers).toBe(0);
  });
});
