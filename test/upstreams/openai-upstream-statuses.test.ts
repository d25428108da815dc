import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StatusFault } from "../fakes/openai-behaviour.ts";
import { connectUpstream, readAnswer, type TestOpenAiUpstream } from "../fakes/openai-client.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";

describe("OpenAiUpstream that gets another answer than a stream", () => {
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

  it.each<[Omit<StatusFault, "type">, object]>([
    [
      { status: 429, retryAfter: "7" },
      { kind: "rate_limited", retryAfterMs: 7_000 },
    ],
    [
      { status: 429, retryAfterMs: "250", retryAfter: "7" },
      { kind: "rate_limited", retryAfterMs: 250 },
    ],
    [{ status: 429 }, { kind: "rate_limited", retryAfterMs: undefined, code: "server_error" }],
    [
      { status: 429, code: "insufficient_quota" },
      { kind: "quota", code: "insufficient_quota" },
    ],
    [{ status: 429, code: "billing_not_active" }, { kind: "quota" }],
    [{ status: 429, errorType: "exceeded_current_quota_error" }, { kind: "quota" }],
    [{ status: 402 }, { kind: "quota" }],
    [
      { status: 402, retryAfter: "3" },
      { kind: "rate_limited", retryAfterMs: 3_000 },
    ],
    [
      { status: 401, code: "invalid_api_key" },
      { kind: "unauthorized", code: "invalid_api_key" },
    ],
    [{ status: 401, code: "account_deactivated" }, { kind: "unauthorized" }],
    [{ status: 403 }, { kind: "unauthorized" }],
    [
      { status: 403, metadata: { reasons: ["violence"], flagged_input: "…" } },
      { kind: "rejected" },
    ],
    [
      { status: 403, code: "model_not_found" },
      { kind: "rejected", isModelMissing: true },
    ],
    [
      { status: 404, code: "model_not_found" },
      { kind: "rejected", isModelMissing: true },
    ],
    [
      { status: 400, message: "Model Not Exist" },
      { kind: "rejected", isModelMissing: true },
    ],
    [
      { status: 400, message: "Bad words: the model does not exist" },
      { kind: "rejected", isModelMissing: false },
    ],
    [
      { status: 400, code: "context_length_exceeded" },
      { kind: "rejected", isModelMissing: false },
    ],
    [{ status: 400, code: "content_policy_violation" }, { kind: "rejected" }],
    [{ status: 413 }, { kind: "rejected", status: 413 }],
    [{ status: 422 }, { kind: "rejected" }],
    [{ status: 408 }, { kind: "timeout" }],
    [{ status: 409 }, { kind: "overloaded" }],
    [{ status: 500 }, { kind: "overloaded", status: 500 }],
    [
      { status: 503, retryAfter: "2" },
      { kind: "overloaded", retryAfterMs: 2_000 },
    ],
    [{ status: 504 }, { kind: "timeout" }],
    [{ status: 529 }, { kind: "overloaded" }],
  ])("takes an answer %j for %j", async (fault, expected) => {
    server.behaviour = { fault: { type: "status", ...fault } };
    const { error, text } = await readAnswer(connection.upstream);
    expect(error).toMatchObject({ name: "OutsideError", party: "main", ...expected });
    expect(text).toBe("");
    // No second try: that is up to the pool.
    expect(server.countersOf("sk-test").requests).toBe(1);
  });
});
