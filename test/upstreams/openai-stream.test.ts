import { describe, expect, it } from "vitest";
import { OpenAiStream } from "../../src/upstreams/openai-stream.ts";

const send = (stream: OpenAiStream, ...chunks: readonly unknown[]) => {
  for (const chunk of chunks) {
    const data = typeof chunk === "string" ? chunk : JSON.stringify(chunk);
    stream.push(Buffer.from(`data: ${data}\n\n`));
  }
  return stream;
};
const delta = (content: unknown, finish_reason: unknown = null) => ({
  model: "gpt-5-mini-2026",
  choices: [{ index: 0, delta: { content }, finish_reason }],
});

describe("OpenAiStream", () => {
  it("joins the words of one network read and gives them once", () => {
    const stream = new OpenAiStream();
    const bytes = [delta("Hel"), delta("lo")].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
    stream.push(Buffer.from(bytes.join("")));
    expect([stream.takeText(), stream.takeText()]).toEqual(["Hello", ""]);
    expect(stream.model).toBe("gpt-5-mini-2026");
    expect(stream.finish).toBeNull();
  });

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["content_filter", "filtered"],
    ["tool_calls", "stop"],
    ["eos", "stop"],
  ] as const)("takes the finish reason %s for %s", (reason, finish) => {
    expect(send(new OpenAiStream(), delta("", reason)).finish).toBe(finish);
  });

  it("takes the end of the stream without a reason for a stop", () => {
    const stream = send(new OpenAiStream(), delta("Hi"), "[DONE]");
    expect([stream.finish, stream.isComplete]).toEqual(["stop", true]);
  });

  it("drops reasoning, and gives a refusal as text", () => {
    const stream = send(
      new OpenAiStream(),
      { choices: [{ delta: { reasoning_content: "hmm", content: null } }] },
      { choices: [{ delta: { reasoning: "hmm" } }] },
      { choices: [{ delta: { content: null, refusal: "I can't." } }] },
    );
    expect(stream.takeText()).toBe("I can't.");
  });

  it("reads the usage, also beside words and from a chunk without choices", () => {
    const usage = {
      prompt_tokens: 12,
      completion_tokens: 3,
      prompt_tokens_details: { cached_tokens: 4 },
    };
    const expected = { inputTokens: 12, cachedTokens: 4, outputTokens: 3 };
    expect(send(new OpenAiStream(), { choices: [], usage }).usage).toEqual(expected);
    expect(send(new OpenAiStream(), { ...delta("x"), usage }).usage).toEqual(expected);
    expect(send(new OpenAiStream(), { usage }, { usage: null }).usage).toEqual(expected);
  });

  it("passes on negative usage, which billing flags, and no other nonsense", () => {
    const usageOf = (prompt_tokens: unknown, completion_tokens: unknown) => {
      return send(new OpenAiStream(), { usage: { prompt_tokens, completion_tokens } }).usage;
    };
    expect(usageOf(-5, 3)).toEqual({ inputTokens: -5, cachedTokens: 0, outputTokens: 3 });
    for (const nonsense of ["5", null, 1.5, {}, Number.MAX_VALUE]) {
      expect(usageOf(nonsense, 3)).toBeNull();
      expect(usageOf(3, nonsense)).toBeNull();
    }
  });

  it.each([
    ["half a chunk", '{"choices": [{"delta"'],
    ["no object", "[1]"],
    ["a bare word", "true"],
    ["nothing", ""],
  ])("takes %s for garbage", (_, data) => {
    expect(send(new OpenAiStream(), delta("Hi"), data).fault).toEqual({ kind: "garbage" });
  });

  it.each([
    ["no choices", {}],
    ["null for choices", { choices: null }],
    ["a word for choices", { choices: "none" }],
    ["null for a choice", { choices: [null] }],
    ["null for a delta", { choices: [{ delta: null }] }],
    ["a word for a delta", { choices: [{ delta: "x" }] }],
    ["a number for text", { choices: [{ delta: { content: 5 } }] }],
    ["a number for a finish reason", { choices: [{ delta: {}, finish_reason: 5 }] }],
    ["numbers for everything", { choices: 1, usage: 2, model: 3 }],
  ])("lets a chunk with %s pass", (_, chunk) => {
    const stream = send(new OpenAiStream(), chunk, delta("Hi"));
    expect([stream.takeText(), stream.fault, stream.finish]).toEqual(["Hi", null, null]);
  });

  it("notices an error object, an error event and an answer that ends with an error", () => {
    const error = { message: "overloaded", code: "server_error" };
    expect(send(new OpenAiStream(), { error }).fault).toEqual({ kind: "error", error });
    const named = new OpenAiStream();
    named.push(Buffer.from(`event: error\ndata: ${JSON.stringify(error)}\n\n`));
    expect(named.fault).toEqual({ kind: "error", error });
    expect(send(new OpenAiStream(), delta("", "error")).fault).toEqual({
      kind: "error",
      error: null,
    });
  });

  it("keeps the words before a fault and drops those after it", () => {
    const stream = send(new OpenAiStream(), delta("good"), "garbage", delta("bad"));
    expect(stream.takeText()).toBe("good");
  });
});
