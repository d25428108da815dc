import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dropHalfCharacter, previewParts } from "../../src/core/chat/preview-text.ts";
import { splitMarkdown } from "../../src/core/chat/split-text.ts";

const limits = { lengthMax: 30, bytesMax: null };

describe("previewParts", () => {
  it("shows nothing of a text that has no words yet", () => {
    expect(previewParts("", limits)).toEqual([]);
    expect(previewParts(" \n", limits)).toEqual([]);
  });

  it("leaves out half a character and half an escape", () => {
    expect(dropHalfCharacter("so \ud83d")).toBe("so ");
    expect(dropHalfCharacter("so \ud83d\ude00")).toBe("so \ud83d\ude00");
    expect(dropHalfCharacter("👨\u200d")).toBe("👨");
    expect(dropHalfCharacter("2 \\")).toBe("2 ");
    expect(dropHalfCharacter("2 \\\\")).toBe("2 \\\\");
    expect(dropHalfCharacter("2 \\*")).toBe("2 \\*");
  });

  it("does not close a code block that is still growing", () => {
    expect(previewParts("```js\nlet a", limits).map((part) => part.text)).toEqual(["```js\nlet a"]);
  });

  it("shows finished parts just as the finished answer has them", () => {
    const text = `\`\`\`js\n${"call();\n".repeat(8)}`;
    const parts = previewParts(text, limits).map((part) => part.text);
    expect(parts.slice(0, -1)).toEqual(splitMarkdown(text, limits).slice(0, -1));
    expect(parts[0]).toMatch(/\n```$/);
    expect(parts.at(-1)).not.toMatch(/\n```$/);
  });

  it("says how much of the answer is shown", () => {
    const text = "one two three four five six seven eight";
    expect(previewParts(text, limits).map((part) => part.end)).toEqual([27, text.length]);
  });

  it("fits and is never blank, wherever the text is cut off", () => {
    const fragment = fc.constantFrom("👨‍👩‍👧", "\\", "`", "```\n", "word ", "\n\n", "。", "é");
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 60 }), fc.nat(), (fragments, cutAt) => {
        const text = fragments.join("");
        const soFar = text.slice(0, cutAt % (text.length + 1));
        for (const part of previewParts(soFar, limits)) {
          expect(part.text.trim()).not.toBe("");
          expect(part.text.length).toBeLessThanOrEqual(30);
          expect(part.text.isWellFormed()).toBe(true);
        }
      }),
    );
  });
});
