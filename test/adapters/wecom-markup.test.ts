import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutToBytes, shownText } from "../../src/adapters/wecom/wecom-markup.ts";
import {
  markOf,
  readMessageId,
  streamIdOf,
  streamMessageId,
  textMessageId,
} from "../../src/adapters/wecom/wecom-sent.ts";

describe("a text for WeCom", () => {
  it("keeps Markdown as it is", () => {
    const markdown = "# Title\n\n**bold** `code`\n\n| a | b |\n| - | - |\n| 1 | 2 |\n";
    expect(shownText(markdown)).toBe(markdown);
  });

  it("mentions nobody", () => {
    expect(shownText("hello <@boss>")).toBe("hello < @boss>");
  });

  it("is never empty", () => {
    expect(shownText(" \n")).toBe("…");
  });

  it("replaces half an emoji, which would not be text at all", () => {
    expect(shownText("a\ud83d")).toBe("a\ufffd");
  });

  it("passes 20480 bytes and cuts one more", () => {
    expect(shownText("a".repeat(20_480))).toBe("a".repeat(20_480));
    const cut = shownText("a".repeat(20_481));
    expect(Buffer.byteLength(cut)).toBe(20_480);
    expect(cut.endsWith("a…")).toBe(true);
  });

  it("never exceeds the bytes, and never cuts a character in two", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 100 }),
        fc.integer({ min: 3, max: 60 }),
        (text, bytesMax) => {
          const cut = cutToBytes(text, bytesMax);
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytesMax);
          expect(cut.isWellFormed()).toBe(true);
          if (Buffer.byteLength(text) <= bytesMax) expect(cut).toBe(text);
        },
      ),
    );
  });
});

describe("the id of a message", () => {
  it("holds the request a stream answers, whatever that looks like", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (reqId) => {
        expect(readMessageId(streamMessageId(reqId))).toEqual({ type: "stream", reqId });
      }),
    );
  });

  it("leads to the same stream each time, and to another for another request", () => {
    expect(streamIdOf("r1")).toBe(streamIdOf("r1"));
    expect(streamIdOf("r1")).not.toBe(streamIdOf("r2"));
  });

  it("tells what a message of its own says, without saying it", () => {
    const id = textMessageId("my secret");
    expect(id).not.toContain("secret");
    expect(readMessageId(id)).toEqual({ type: "text", mark: markOf("my secret") });
  });

  it("is nobody's when it is none of ours", () => {
    expect(readMessageId("file:1")).toBeNull();
  });
});
