import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutMarkdown } from "../../src/core/chat/markdown-cut.ts";
import { splitIntoPieces, splitMarkdown } from "../../src/core/chat/split-text.ts";
import type { TextLimits } from "../../src/core/chat/text-limits.ts";

const upTo = (lengthMax: number, bytesMax: number | null = null) => ({ lengthMax, bytesMax });

/** What makes trouble when it meets the border of a message. */
const fragment = fc.constantFrom(
  ...[
    "```",
    "```js\n",
    "\n```\n",
    "~~~\n",
    "````\n",
    "  ```\n",
    "- ```sh\n",
    "    ```\n",
    "`",
    "``",
  ],
  ...[
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "    ",
    "\u3000",
    "\t",
    "word",
    "Is it? ",
    "e.g. ",
    "。",
    "！”",
    "你好",
  ],
  ...[
    "👨‍👩‍👧",
    "🇨🇳",
    "e\u0301",
    "\ud83d",
    "\ude00",
    "\\",
    "\\*",
    "**",
    "x".repeat(25),
    "# Head\n",
    "- item\n",
  ],
);
const hostileText = fc.array(fragment, { maxLength: 80 }).map((pieces) => pieces.join(""));
const anyLimits: fc.Arbitrary<TextLimits> = fc.record({
  lengthMax: fc.integer({ min: 8, max: 120 }),
  bytesMax: fc.option(fc.integer({ min: 8, max: 200 })),
});

const line = fc
  .array(fc.constantFrom("alpha", "beta,", "gamma.", "`code here`", "delta!", "字符。"), {
    minLength: 1,
    maxLength: 12,
  })
  .map((words) => words.join(" "));
const codeBlock = fc
  .tuple(
    fc.constantFrom("```js", "```", "~~~", "````python"),
    fc.array(fc.constantFrom("let a = 1;", "  b();", "", "}", "# not a heading"), {
      minLength: 1,
      maxLength: 20,
    }),
  )
  .map(([opening, code]) => [opening, ...code, /^[`~]+/.exec(opening)?.[0]].join("\n"));
const document = fc
  .array(fc.oneof({ arbitrary: line, weight: 2 }, codeBlock), { minLength: 1, maxLength: 10 })
  .map((blocks) => blocks.join("\n\n"));

/** The code and the prose of a Markdown text, read the way CommonMark does; throws on open code. */
function readBlocks(text: string): { code: string[]; prose: string[] } {
  const code: string[] = [];
  const prose: string[] = [];
  let marker = "";
  for (const current of text.split("\n")) {
    const run = /^ {0,3}(`{3,}|~{3,})/.exec(current)?.[1] ?? "";
    if (marker === "" && run !== "") marker = run;
    else if (marker !== "" && run.startsWith(marker) && current.trim() === run) marker = "";
    else (marker === "" ? prose : code).push(current);
  }
  if (marker !== "") throw new Error("A code block is left open.");
  return { code, prose };
}

const words = (lines: readonly string[]) => lines.join(" ").split(/\s+/).join(" ").trim();

describe("splitMarkdown", () => {
  it("leaves a text that just fits in one part and cuts one that just does not", () => {
    expect(splitMarkdown("a".repeat(40), upTo(40))).toEqual(["a".repeat(40)]);
    expect(splitMarkdown("a".repeat(41), upTo(40))).toEqual(["a".repeat(40), "a"]);
    expect(splitMarkdown("字".repeat(20), upTo(40, 60))).toHaveLength(1);
    expect(splitMarkdown("字".repeat(21), upTo(40, 60))).toEqual(["字".repeat(20), "字"]);
  });

  it("has no parts for a text of white space", () => {
    expect(splitMarkdown("", upTo(40))).toEqual([]);
    expect(splitMarkdown(" \n\t\n ", upTo(40))).toEqual([]);
  });

  it("prefers paragraph borders, then line breaks, sentence ends and spaces", () => {
    expect(splitMarkdown("one two.\n\nthree. four\nfive six", upTo(24))).toEqual([
      "one two.",
      "three. four\nfive six",
    ]);
    expect(splitMarkdown("one two. three\nfour. five six", upTo(24))).toEqual([
      "one two. three",
      "four. five six",
    ]);
    expect(splitMarkdown("one two three. four five six", upTo(24))).toEqual([
      "one two three.",
      "four five six",
    ]);
    expect(splitMarkdown("one two three four five six", upTo(24))).toEqual([
      "one two three four five",
      "six",
    ]);
    expect(splitMarkdown("一二三四五六。七八九十", upTo(8))).toEqual([
      "一二三四五六。",
      "七八九十",
    ]);
  });

  it("does not make a tiny part of a short first paragraph", () => {
    const parts = splitMarkdown(`Hi.\n\n${"word ".repeat(20)}`, upTo(60));
    expect(parts[0]?.length).toBeGreaterThan(20);
  });

  it("closes a code block at a cut and opens it again with its language", () => {
    const code = Array.from({ length: 6 }, (_, index) => `line ${index}`);
    expect(splitMarkdown(`\`\`\`js\n${code.join("\n")}\n\`\`\`\nDone.`, upTo(35))).toEqual([
      "```js\nline 0\nline 1\nline 2\n```",
      "```js\nline 3\nline 4\nline 5\n```",
      "Done.",
    ]);
  });

  it("keeps a code block whole when the cut can go before it", () => {
    const block = "```\none\ntwo\n```";
    expect(splitMarkdown(`Some words come first.\n\n${block}`, upTo(36))).toEqual([
      "Some words come first.",
      block,
    ]);
  });

  it("closes what the model left open", () => {
    expect(splitMarkdown("```js\nlet a", upTo(40))).toEqual(["```js\nlet a\n```"]);
  });

  it("opens no empty code block where the cut falls before the closing fence", () => {
    expect(splitMarkdown("~~~ts\naaaaaaaaaaaa\nbbbbbbbbbbbb\n\n~~~\nThe end.", upTo(35))).toEqual([
      "~~~ts\naaaaaaaaaaaa\nbbbbbbbbbbbb\n~~~",
      "The end.",
    ]);
  });

  it("ends a code block of a list item that goes on in a second part", () => {
    const text = `1. Run\n\n    \`\`\`sh\n    ${"make all\n    ".repeat(6)}\`\`\`\n\n2. Look at what it says.`;
    const parts = splitMarkdown(text, upTo(70));
    expect(parts.length).toBeGreaterThan(1);
    expect(readBlocks(parts.at(-1) ?? "").prose.join("")).toContain("2. Look");
  });

  it("cuts no inline code while there is another place", () => {
    const parts = splitMarkdown("Use the long command `git commit --amend` for it.", upTo(32));
    expect(parts).toEqual(["Use the long command", "`git commit --amend` for it."]);
  });

  it("cuts no escape and no character in two", () => {
    expect(splitMarkdown(`${"a".repeat(9)}\\*b`, upTo(10))).toEqual(["a".repeat(9), "\\*b"]);
    const family = "👨‍👩‍👧";
    expect(splitMarkdown(family.repeat(3), upTo(20))).toEqual([family.repeat(2), family]);
    expect(splitMarkdown("👍".repeat(9), upTo(9))).toEqual(["👍👍👍👍", "👍👍👍👍", "👍"]);
  });

  it("fits every limit and is never blank, whatever the text", () => {
    fc.assert(
      fc.property(hostileText, anyLimits, (text, limits) => {
        for (const part of splitMarkdown(text, limits)) {
          expect(part.trim()).not.toBe("");
          expect(part.length).toBeLessThanOrEqual(limits.lengthMax);
          if (limits.bytesMax !== null) {
            expect(Buffer.byteLength(part)).toBeLessThanOrEqual(limits.bytesMax);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("drops nothing but white space and the marks of a fence that is closed anyway", () => {
    fc.assert(
      fc.property(hostileText, anyLimits, (text, limits) => {
        let done = 0;
        let dropped = "";
        for (const { start, end, text: shown } of cutMarkdown(text, limits)) {
          dropped += text.slice(done, start);
          done = end;
          const squeezed = (some: string) => some.replace(/\s/g, "");
          expect(squeezed(shown)).toContain(squeezed(text.slice(start, end)));
        }
        expect(`${dropped}${text.slice(done)}`).toMatch(/^(\s|`|~)*$/);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps code as code and prose as prose in every part", () => {
    fc.assert(
      fc.property(document, fc.integer({ min: 60, max: 300 }), (text, lengthMax) => {
        const parts = splitMarkdown(text, upTo(lengthMax)).map(readBlocks);
        const whole = readBlocks(text);
        expect(words(parts.flatMap((part) => part.code))).toBe(words(whole.code));
        expect(words(parts.flatMap((part) => part.prose))).toBe(words(whole.prose));
      }),
      { numRuns: 1000 },
    );
  });

  it("never changes a finished part while the text grows", () => {
    fc.assert(
      fc.property(
        hostileText,
        anyLimits,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (text, limits, share) => {
          const before = splitMarkdown(text.slice(0, Math.floor(text.length * share)), limits);
          const after = splitMarkdown(text, limits);
          const finished = before.slice(0, -1);
          expect(after.slice(0, finished.length)).toEqual(finished);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it("never takes a part back while an ordinary answer grows", () => {
    fc.assert(
      fc.property(document, fc.integer({ min: 60, max: 300 }), (text, lengthMax) => {
        let count = 0;
        for (let length = 1; length <= text.length; length += 3) {
          const parts = splitMarkdown(text.slice(0, length), upTo(lengthMax)).length;
          expect(parts).toBeGreaterThanOrEqual(count);
          count = parts;
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ["backticks", "`".repeat(1_000_000)],
    ["one word", "a".repeat(1_000_000)],
    ["white space", `x${" ".repeat(500_000)}${"\n".repeat(500_000)}y`],
    ["backticks and spaces", "`` ` ``` ".repeat(110_000)],
    ["backslashes", "\\".repeat(1_000_000)],
    ["brackets", ")".repeat(1_000_000)],
    ["open fences", "```\n".repeat(250_000)],
    ["stacked accents", `e${"\u0301".repeat(1_000_000)}`],
  ])("takes a megabyte of %s in its stride", (_, text) => {
    const startedMs = performance.now();
    const small = splitMarkdown(text.slice(0, 100_000), upTo(4096));
    const smallMs = performance.now() - startedMs;
    expect(splitMarkdown(text, upTo(4096)).length).toBeGreaterThanOrEqual(small.length);
    // Ten times the text may not cost a hundred times as much; the rest is for a busy machine.
    expect(performance.now() - startedMs - smallMs).toBeLessThan(smallMs * 40 + 1_000);
  });
});

describe("splitIntoPieces", () => {
  const paragraph = (letter: string) => `${letter.repeat(5)} `.repeat(50).trim();
  const limits = { lengthMax: 2000, bytesMax: null, piecesMax: 5 };

  it("leaves a short text whole", () => {
    expect(splitIntoPieces("One.\n\nTwo.", limits)).toEqual(["One.\n\nTwo."]);
  });

  it("cuts a longer text at paragraph borders into pieces of about the same size", () => {
    const paragraphs = ["a", "b", "c", "d", "e", "f", "g", "h"].map(paragraph);
    const pieces = splitIntoPieces(paragraphs.join("\n\n"), limits);
    expect(pieces.length).toBeGreaterThanOrEqual(2);
    expect(pieces.length).toBeLessThanOrEqual(5);
    expect(pieces.join("\n\n")).toBe(paragraphs.join("\n\n"));
    const sizes = pieces.map((piece) => piece.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * Math.min(...sizes) + 10);
  });

  it("never cuts inside a code block that fits", () => {
    const code = `\`\`\`js\n${"call();\n\n".repeat(100)}\`\`\``;
    const pieces = splitIntoPieces(`${paragraph("a")}\n\n${code}\n\n${paragraph("b")}`, limits);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.filter((piece) => piece.includes(code))).toHaveLength(1);
  });

  it("takes one piece more where that keeps a code block whole", () => {
    const code = `\`\`\`\n${"call();\n".repeat(110)}\`\`\``;
    const text = `${"word ".repeat(40).trim()}\n\n${code}`;
    expect(splitIntoPieces(text, { ...limits, lengthMax: 1000 })[1]).toBe(code);
    expect(splitMarkdown(text, upTo(1000))[1]).not.toBe(code);
  });

  it("fits every limit and loses no word, whatever the text", () => {
    fc.assert(
      fc.property(document, fc.integer({ min: 60, max: 900 }), (text, lengthMax) => {
        const pieces = splitIntoPieces(text, { lengthMax, bytesMax: lengthMax * 2, piecesMax: 3 });
        expect(pieces.every((piece) => piece.trim() !== "" && piece.length <= lengthMax)).toBe(
          true,
        );
        expect(pieces.every((piece) => Buffer.byteLength(piece) <= lengthMax * 2)).toBe(true);
        const prose = pieces.map(readBlocks).flatMap((piece) => piece.prose);
        expect(words(prose)).toBe(words(readBlocks(text).prose));
      }),
    );
  });

  it("takes more pieces rather than losing text that does not fit into so many", () => {
    const text = Array.from({ length: 30 }, () => paragraph("a")).join("\n\n");
    const pieces = splitIntoPieces(text, { ...limits, lengthMax: 600 });
    expect(pieces.length).toBeGreaterThan(5);
    expect(words(pieces)).toBe(words([text]));
  });
});
