import { describe, expect, it } from "vitest";
import { FakeUpstream } from "../fakes/fake-upstream.ts";
import { question, TestUpstreamPool } from "../fakes/test-upstream-pool.ts";

describe("UpstreamPool whose caller leaves", () => {
  it("ends without an error and without an end of the answer when it is aborted", async () => {
    const upstream = new FakeUpstream("a");
    const aborter = new AbortController();
    upstream.answer = { after: new Promise(() => {}) };
    const { pool, states, limiter } = new TestUpstreamPool([upstream]);
    const seen: string[] = [];
    for await (const event of pool.complete(question(), aborter.signal)) {
      seen.push(event.type);
      if (seen.length === 3) aborter.abort();
    }
    expect(seen).toEqual(["source", "delta", "delta"]);
    expect(upstream.calls).toMatchObject([{ isAborted: true }]);
    expect(await pool.describe()).toMatchObject([{ errors: 0, condition: { kind: "ready" } }]);
    expect((await limiter.readUse("a")).inFlight).toBe(0);
    expect(await states.readAll()).toEqual([]);
  });

  it("stops the upstream when the reader stops reading", async () => {
    const upstream = new FakeUpstream("a");
    const { pool, limiter } = new TestUpstreamPool([upstream]);
    for await (const event of pool.complete(question(), new AbortController().signal)) {
      if (event.type === "delta") break;
    }
    expect(upstream.calls).toMatchObject([{ isAborted: true }]);
    expect((await limiter.readUse("a")).inFlight).toBe(0);
    expect(await pool.describe()).toMatchObject([{ errors: 0 }]);
  });
});
