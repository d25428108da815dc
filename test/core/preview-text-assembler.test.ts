import { describe, expect, it } from "vitest";
import { PreviewTextAssembler } from "../../src/core/preview-text-assembler.ts";

const piece = (attempt: number, offset: number, text: string) =>
  ({
    type: "text",
    replyId: "r",
    bot: { platform: "p", bot: "b" },
    attempt,
    offset,
    text,
  }) as const;

describe("PreviewTextAssembler", () => {
  it("joins pieces in order", () => {
    const preview = new PreviewTextAssembler();
    expect(preview.add(piece(1, 0, "Hello"))).toBe("Hello");
    expect(preview.add(piece(1, 5, ", you"))).toBe("Hello, you");
  });

  it("waits after a gap for a piece that starts at 0", () => {
    const preview = new PreviewTextAssembler();
    preview.add(piece(1, 0, "Hello"));
    expect(preview.add(piece(1, 9, "lost"))).toBeNull();
    expect(preview.add(piece(1, 0, "Hello, you lost"))).toBe("Hello, you lost");
  });

  it("follows a later attempt and ignores what is left of an earlier one", () => {
    const preview = new PreviewTextAssembler();
    preview.add(piece(1, 0, "old text"));
    expect(preview.add(piece(2, 0, "new"))).toBe("new");
    expect(preview.add(piece(1, 8, " goes on"))).toBeNull();
    expect(preview.add(piece(2, 3, "er"))).toBe("newer");
  });

  it("does not shrink while a snapshot arrives in several pieces", () => {
    const preview = new PreviewTextAssembler();
    preview.add(piece(1, 0, "abcdef"));
    expect(preview.add(piece(1, 0, "abc"))).toBeNull();
    expect(preview.add(piece(1, 3, "defghi"))).toBe("abcdefghi");
  });
});
