import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readRetryAfter,
  translateBody,
  translateError,
} from "../../src/upstreams/openai-errors.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const read = (headers: Record<string, string>) => readRetryAfter(new Headers(headers), now);

describe("readRetryAfter", () => {
  it.each([
    [{ "retry-after": "3" }, 3_000],
    [{ "retry-after": "0.25" }, 250],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "Thu, 01 Jan 2026 00:00:20 GMT" }, 20_000],
    [{ "retry-after": "Wed, 31 Dec 2025 23:00:00 GMT" }, 0],
    [{ "retry-after-ms": "1500", "retry-after": "9" }, 1_500],
    [{ "retry-after-ms": "soon", "retry-after": "9" }, 9_000],
    [{ "retry-after": "-5" }, 0],
    [{ "retry-after": "86400" }, 86_400_000],
    [{ "retry-after": "86401" }, 86_400_000],
    [{ "retry-after": "1e9" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{}, undefined],
  ])("reads %j as %s", (headers, ms) => {
    expect(read(headers)).toBe(ms);
  });
});

describe("translateError", () => {
  it("makes an error that may be logged of whatever was thrown", () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const error = translateError("main", thrown);
        expect(error).toMatchObject({ name: "OutsideError", party: "main", kind: "unreachable" });
      }),
    );
  });

  it("makes an error of whatever a provider sends as one", () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        const error = translateBody("main", body, null);
        expect(error.message.length).toBeLessThan(120);
        expect(error.cause).toBeUndefined();
      }),
    );
  });

  it("keeps codes that are words and drops those that are sentences", () => {
    expect(translateBody("main", { code: "server_error" }, 500).code).toBe("server_error");
    expect(translateBody("main", { code: "you wrote: my secret" }, 500).code).toBeNull();
    expect(translateBody("main", { code: "x".repeat(65) }, 500).code).toBeNull();
    expect(translateBody("main", {}, 500).code).toBe("http_500");
  });
});
