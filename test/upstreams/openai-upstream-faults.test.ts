import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  DEFAULT_TIMEOUTS,
  type UpstreamTimeouts,
} from "../../src/core/upstream/upstream-registry.ts";
import type { Behaviour, StreamFault } from "../fakes/openai-behaviour.ts";
import {
  ask,
  connectUpstream,
  readAnswer,
  type TestOpenAiUpstream,
} from "../fakes/openai-client.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";

describe("OpenAiUpstream at an endpoint that fails", () => {
  let server: OpenAiServer;
  const connections: TestOpenAiUpstream[] = [];
  beforeEach(async () => {
    server = await OpenAiServer.start({ keys: ["sk-test", "sk-secret-key"] });
  });
  afterEach(async () => {
    for (const connection of connections.splice(0)) await connection[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const connect = (options: Parameters<typeof connectUpstream>[1] = {}) => {
    const connection = connectUpstream(server, options);
    connections.push(connection);
    return connection.upstream;
  };
  const answerTo = (behaviour: Behaviour, timeouts: Partial<UpstreamTimeouts> = {}) => {
    server.behaviour = behaviour;
    return readAnswer(connect({ timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts } }));
  };

  it.each<[string, StreamFault, Partial<UpstreamTimeouts>, object]>([
    [
      "hangs",
      { type: "hang" },
      { firstByteMs: 60 },
      { kind: "timeout", code: "first_byte_timeout" },
    ],
    ["falls silent", { type: "silence" }, { firstByteMs: 60 }, { kind: "timeout" }],
    [
      "stalls",
      { type: "stall" },
      { betweenChunksMs: 60 },
      { kind: "timeout", code: "chunk_timeout" },
    ],
    ["breaks the connection", { type: "cut" }, {}, { kind: "unreachable" }],
    ["ends", { type: "end" }, {}, { kind: "unreachable", code: "ended_early" }],
    ["sends garbage", { type: "garbage" }, {}, { kind: "unreachable", code: "garbage" }],
    ["sends an error", { type: "error" }, {}, { kind: "overloaded", code: "server_error" }],
    [
      "sends that there is no money",
      { type: "error", error: { code: "insufficient_quota" } },
      {},
      { kind: "quota" },
    ],
    [
      "sends a status as the code",
      { type: "error", error: { code: 429 } },
      {},
      { kind: "rate_limited" },
    ],
  ])(
    "leaves room for another try when it %s before the first word",
    async (_, fault, timeouts, expected) => {
      const { error, text } = await answerTo({ fault }, timeouts);
      expect(error).toMatchObject({ name: "OutsideError", ...expected });
      expect(text).toBe("");
    },
  );

  it.each<[string, StreamFault, Partial<UpstreamTimeouts>, string | null]>([
    ["stalls", { type: "stall", at: 4 }, { betweenChunksMs: 500 }, "chunk_timeout"],
    ["breaks the connection", { type: "cut", at: 4 }, {}, null],
    ["ends", { type: "end", at: 4 }, {}, "ended_early"],
    ["sends garbage", { type: "garbage", at: 4 }, {}, "garbage"],
    ["sends an error", { type: "error", at: 4 }, {}, "server_error"],
  ])(
    "says that the answer was cut when it %s after some words",
    async (_, fault, timeouts, code) => {
      const { error, text } = await answerTo({ fault, tokenMs: 5 }, timeouts);
      expect(error).toMatchObject({ name: "OutsideError", kind: "cut" });
      if (code !== null) expect(error).toMatchObject({ code });
      expect(text).toBe("the quick brown fox");
      expect(server.countersOf("sk-test").tokens).toBe(4);
    },
  );

  it("gives an answer only so long as a whole", async () => {
    const { error, text } = await answerTo({ tokens: 100, tokenMs: 50 }, { wholeMs: 1_500 });
    expect(error).toMatchObject({ kind: "cut", code: "whole_timeout" });
    expect(text).toMatch(/^the quick/);
    await vi.waitFor(() => expect(server.countersOf("sk-test").aborted).toBe(1), { interval: 2 });
  });

  it("takes reasoning for a sign of life", async () => {
    const slow = { reasoning: 12, tokens: 1, tokenMs: 60 };
    const { error, text } = await answerTo(slow, { betweenChunksMs: 500 });
    expect(error).toBeNull();
    expect(text).toBe("the");
  });

  it("does not blame the endpoint while nobody reads", async () => {
    server.behaviour = { tokens: 4, tokenMs: 1 };
    const upstream = connect({ timeouts: { ...DEFAULT_TIMEOUTS, betweenChunksMs: 300 } });
    let text = "";
    for await (const event of upstream.complete(ask(), new AbortController().signal)) {
      if (event.type === "delta") text += event.text;
      // Longer than the endpoint may be silent.
      if (event.type === "source") await new Promise((resolve) => setTimeout(resolve, 600));
    }
    expect(text).toBe("the quick brown fox");
  });

  it("does not wait long for usage that does not come", async () => {
    server.behaviour = { staysOpen: true };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const reading = readAnswer(connect());
      await vi.waitFor(() => expect(server.countersOf("sk-test").tokens).toBe(10), { interval: 2 });
      await vi.advanceTimersByTimeAsync(5_100);
      const { error, events, text } = await reading;
      expect(error).toBeNull();
      expect(text).toContain("while");
      expect(events.at(-1)).toEqual({ type: "done", usage: null, finish: "stop" });
      await vi.advanceTimersByTimeAsync(1_100);
    } finally {
      vi.useRealTimers();
    }
    await vi.waitFor(() => expect(server.countersOf("sk-test").aborted).toBe(1), { interval: 2 });
  });

  it("takes an error object in place of a stream for what it is", async () => {
    const odd = createServer((_, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ error: { code: 402, message: "no credits" } }));
    });
    const baseUrl = await listen(odd);
    const { error } = await readAnswer(connect({ baseUrl }));
    expect(error).toMatchObject({ kind: "quota" });
    await close(odd);
  });

  it("says that nobody listens at the address", async () => {
    const gone = createServer();
    const baseUrl = await listen(gone);
    await close(gone);
    const { error } = await readAnswer(connect({ baseUrl }));
    expect(error).toMatchObject({ kind: "unreachable", code: "ECONNREFUSED" });
  });

  it("tells nothing of keys, questions, answers or headers in its errors", async () => {
    const secrets = ["sk-secret-key", "my secret question", "secret body", "Bearer", "req headers"];
    const faults: Behaviour[] = [
      { fault: { type: "status", status: 401, message: "Incorrect key: sk-secret-key" } },
      {
        fault: { type: "status", status: 400, message: "my secret question", code: "secret body" },
      },
      { fault: { type: "error", error: { message: "my secret question", code: "secret body" } } },
      { fault: { type: "garbage" } },
      { fault: { type: "cut", at: 2 } },
      { fault: { type: "error", at: 2, error: { message: "secret body", type: "secret body" } } },
    ];
    for (const behaviour of faults) {
      server.behaviour = behaviour;
      const turns = [{ role: "user", text: "my secret question", images: [] }] as const;
      const { error } = await readAnswer(connect({ key: "sk-secret-key" }), { turns });
      expect(error).toBeInstanceOf(Error);
      const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
      for (const secret of secrets) expect(shown).not.toContain(secret);
    }
  });
});

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}/v1`;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
