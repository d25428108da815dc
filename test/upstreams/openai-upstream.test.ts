import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OutsideError } from "../../src/core/errors.ts";
import { type Behaviour, tokensOf } from "../fakes/openai-behaviour.ts";
import {
  ask,
  connectUpstream,
  readAnswer,
  type TestOpenAiUpstream,
} from "../fakes/openai-client.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";

const TEN_WORDS = "the quick brown fox jumps over a lazy dog while";

describe("OpenAiUpstream", () => {
  let server: OpenAiServer;
  let connection: TestOpenAiUpstream;
  beforeEach(async () => {
    server = await OpenAiServer.start();
    connection = connectUpstream(server);
  });
  afterEach(async () => {
    await connection[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const answerTo = (behaviour: Behaviour) => {
    server.behaviour = behaviour;
    return readAnswer(connection.upstream);
  };

  it("streams an answer with its source, usage and end", async () => {
    const answer = await answerTo({ modelAnswered: "gpt-test-2026", cachedTokens: 3, tokenMs: 5 });
    expect(answer.error).toBeNull();
    expect(answer.text).toBe(TEN_WORDS);
    const [source, done] = answer.events;
    expect(source).toEqual({
      type: "source",
      source: { upstream: "main", modelAnswered: "gpt-test-2026" },
    });
    expect(done).toEqual({
      type: "done",
      usage: { inputTokens: 12, cachedTokens: 3, outputTokens: 10 },
      finish: "stop",
    });
  });

  it("sends the conversation, the limit and images as OpenAI wants them", async () => {
    await readAnswer(connection.upstream, {
      turns: [
        { role: "system", text: "Be brief.", images: [] },
        { role: "user", text: "Hello", images: [] },
        { role: "assistant", text: "Hi", images: [] },
        {
          role: "user",
          text: "What is this?",
          images: [{ mediaType: "image/png", bytes: new Uint8Array([1, 2, 3, 250]) }],
        },
        { role: "user", text: "", images: [{ mediaType: "image/jpeg", bytes: new Uint8Array(1) }] },
      ],
      outputTokensMax: 7,
    });
    expect(server.requests[0]?.body).toEqual({
      model: "gpt-test",
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 7,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hello" },
        { role: "assistant", content: "Hi" },
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AQID+g==" } },
          ],
        },
        {
          role: "user",
          content: [{ type: "image_url", image_url: { url: "data:image/jpeg;base64,AA==" } }],
        },
      ],
    });
  });

  it("says so when the answer reached its limit or was filtered", async () => {
    const limited = await readAnswer(connection.upstream, { outputTokensMax: 3 });
    expect(limited.text).toBe("the quick brown");
    expect(limited.events.at(-1)).toMatchObject({ type: "done", finish: "length" });
    const filtered = await answerTo({ finish: "content_filter" });
    expect(filtered.events.at(-1)).toMatchObject({ type: "done", finish: "filtered" });
  });

  it("does without usage where there is none", async () => {
    expect((await answerTo({ usage: false })).events.at(-1)).toEqual({
      type: "done",
      usage: null,
      finish: "stop",
    });
  });

  it.each([
    ["Chinese cut into single bytes", { language: "zh", tokens: 24, byteByByte: true }],
    ["lines that end with CR LF", { lineEnd: "\r\n", comments: true }],
    ["lines that end with CR", { lineEnd: "\r", byteByByte: true }],
    ["reasoning first", { reasoning: 5 }],
    ["no [DONE]", { omitsDone: true }],
    ["no finish reason", { omitsFinish: true }],
    ["line breaks and emoji", { tokens: ["a\n\n", "🦓", "\r\n", "\u2028", "data: x\n\n"] }],
  ] as const)("reads %s to the last character", async (_, behaviour) => {
    const answer = await answerTo(behaviour);
    expect(answer.error).toBeNull();
    expect(answer.text).toBe(tokensOf(behaviour).join(""));
    expect(answer.events.at(-1)).toMatchObject({ type: "done", finish: "stop" });
  });

  it("gives an answer without a word its source and its end", async () => {
    const answer = await answerTo({ tokens: 0 });
    expect(answer.events.map(({ type }) => type)).toEqual(["source", "done"]);
  });

  it("keeps connections for the next questions", async () => {
    for (let time = 0; time < 10; time += 1) {
      const { error } = await answerTo({});
      expect(error).toBeNull();
    }
    // A question that comes before the last answer's connection is free takes a second one.
    expect(await server.connections).toBeLessThanOrEqual(2);
  });

  it("learns once that an endpoint knows no stream options and only the old name of the limit", async () => {
    server.behaviour = { refuses: ["stream_options", "max_completion_tokens"] };
    const first = await readAnswer(connection.upstream);
    expect(first.text).toBe(TEN_WORDS);
    expect(server.countersOf("sk-test").requests).toBe(3);
    await readAnswer(connection.upstream);
    expect(server.countersOf("sk-test").requests).toBe(4);
    expect(server.requests.at(-1)?.body).toEqual({
      model: "gpt-test",
      stream: true,
      max_tokens: 100,
      messages: [{ role: "user", content: "What is a zebra?" }],
    });
  });

  it("does not try other dialects when the request itself is refused", async () => {
    const answer = await readAnswer(connection.upstream, { turns: [] });
    expect(answer.error).toMatchObject({ kind: "rejected", status: 400 });
    expect(server.countersOf("sk-test").requests).toBe(1);
  });

  it("stops at once when it is aborted in the middle, and closes the connection", async () => {
    server.behaviour = { tokens: 1_000, tokenMs: 10 };
    const aborter = new AbortController();
    const events = connection.upstream.complete(ask(), aborter.signal)[Symbol.asyncIterator]();
    await events.next();
    await events.next();
    const abortedAtMs = performance.now();
    aborter.abort();
    let last = await events.next();
    if (last.done !== true) last = await events.next();
    expect(last).toEqual({ done: true, value: undefined });
    await vi.waitFor(() => expect(server.countersOf("sk-test").aborted).toBe(1), { interval: 2 });
    expect(performance.now() - abortedAtMs).toBeLessThan(200);
  });

  it("stops at once when it is aborted before the first byte", async () => {
    server.behaviour = { fault: { type: "hang" } };
    const aborter = new AbortController();
    const reading = readAnswer(connection.upstream, {}, aborter.signal);
    await vi.waitFor(() => expect(server.countersOf("sk-test").inFlight).toBe(1), { interval: 2 });
    aborter.abort();
    expect(await reading).toEqual({ text: "", events: [], error: null });
    await vi.waitFor(() => expect(server.countersOf("sk-test").aborted).toBe(1), { interval: 2 });
  });

  it("sends nothing when it was aborted before it began", async () => {
    const answer = await readAnswer(connection.upstream, {}, AbortSignal.abort());
    expect(answer).toEqual({ text: "", events: [], error: null });
    expect(server.countersOf("sk-test").requests).toBe(0);
  });

  it("closes the connection when the reader leaves", async () => {
    server.behaviour = { tokens: 1_000, tokenMs: 10 };
    for await (const event of connection.upstream.complete(ask(), new AbortController().signal)) {
      if (event.type === "delta") break;
    }
    await vi.waitFor(() => expect(server.countersOf("sk-test").aborted).toBe(1), { interval: 2 });
  });

  it("proves that a key works by a short question, and that another does not", async () => {
    const { signal } = new AbortController();
    await connection.upstream.verify(signal);
    expect(server.requests[0]?.body.max_completion_tokens).toBe(16);
    server.behaviour = { fault: { type: "status", status: 400, message: "too short" } };
    await connection.upstream.verify(signal);
    server.keys.clear();
    await expect(connection.upstream.verify(signal)).rejects.toMatchObject({
      kind: "unauthorized",
    });
    await expect(connection.upstream.verify(AbortSignal.abort())).rejects.toBeInstanceOf(
      OutsideError,
    );
  });
});
