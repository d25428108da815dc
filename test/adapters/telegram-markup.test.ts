import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FormattedText } from "../../src/adapters/telegram/entity-writer.ts";
import { formatMarkdown } from "../../src/adapters/telegram/telegram-markup.ts";
import { checkEntities } from "../fakes/telegram/entities.ts";

function format(markdown: string): FormattedText {
  const formatted = formatMarkdown(markdown);
  if (formatted === null) throw new Error("nothing left");
  checkEntities(formatted.text, formatted.entities);
  return formatted;
}

/** The formatted parts, each with what is special about it. */
function parts(markdown: string): unknown[] {
  const { text, entities } = format(markdown);
  return entities.map(({ type, offset, length, ...more }) => [
    type,
    text.slice(offset, offset + length),
    ...Object.values(more),
  ]);
}

describe("formatMarkdown", () => {
  it.each([
    ["**bold**", "bold"],
    ["*italic*", "italic"],
    ["~~gone~~", "strikethrough"],
    ["`x = 1`", "code"],
    ["# Title", "bold"],
    ["###### Small title", "bold"],
    ["> said", "blockquote"],
  ])("formats %s as %s", (markdown, type) => {
    const { text, entities } = format(markdown);
    expect(entities).toEqual([{ type, offset: 0, length: text.length }]);
    expect(text).not.toMatch(/[*~`#>]/);
  });

  it("counts offsets in UTF-16 code units", () => {
    expect(format("😀 **b**")).toEqual({
      text: "😀 b",
      entities: [{ type: "bold", offset: 3, length: 1 }],
    });
  });

  it("nests styles", () => {
    expect(parts("**bold *both* bold**")).toEqual([
      ["bold", "bold both bold"],
      ["italic", "both"],
    ]);
  });

  it("interrupts a style for code, which Telegram allows inside nothing but quotations", () => {
    expect(parts("**use `npm` now**")).toEqual([
      ["bold", "use "],
      ["code", "npm"],
      ["bold", " now"],
    ]);
    expect(parts("> use `npm`")).toEqual([
      ["blockquote", "use npm"],
      ["code", "npm"],
    ]);
  });

  it("does not put a style into itself", () => {
    expect(parts("# A **b** c")).toEqual([["bold", "A b c"]]);
    expect(parts("> a\n> > b")).toEqual([["blockquote", "a\nb"]]);
  });

  it("keeps code as it is and names its language", () => {
    expect(parts("```ts title\nconst a = `**b**`;\n\nreturn a;\n```")).toEqual([
      ["pre", "const a = `**b**`;\n\nreturn a;", "ts"],
    ]);
    expect(parts("```\nplain\n```")).toEqual([["pre", "plain"]]);
  });

  it.each([
    ["[a](https://example.com/x?y=1#z)", "https://example.com/x?y=1#z"],
    ["[a](http://例え.jp)", "http://例え.jp"],
    ["[a](tg://user?id=42)", "tg://user?id=42"],
  ])("makes a link of %s", (markdown, url) => {
    expect(parts(markdown)).toEqual([["text_link", "a", url]]);
  });

  it.each([
    ["[a](mailto:a@b.co)", "a (a@b.co)"],
    ["[a](http://localhost:3000/x)", "a (http://localhost:3000/x)"],
    ["[a](http://user:pw@example.com)", "a (http://user:pw@example.com)"],
    ["[a](ftp://example.com)", "a (ftp://example.com)"],
    ["[a](javascript:alert(1))", "a"],
    ["[a](/docs)", "a"],
    ["[a]()", "a"],
  ])("writes the target of %s as text, for Telegram would refuse the message", (markdown, text) => {
    expect(format(markdown)).toEqual({ text, entities: [] });
  });

  it("leaves bare addresses to Telegram", () => {
    const text = "see https://example.com and a@b.co";
    expect(format(text)).toEqual({ text, entities: [] });
  });

  it("shows a picture as a link", () => {
    expect(parts("![cat](https://example.com/c.png)")).toEqual([
      ["text_link", "🖼 cat", "https://example.com/c.png"],
    ]);
  });

  it("draws lists", () => {
    const markdown = "- a\n- b\n  - c\n\n3. x\n4. y\n\n- [x] done\n- [ ] open";
    expect(format(markdown).text).toBe("• a\n• b\n  • c\n\n3. x\n4. y\n\n☑ done\n☐ open");
  });

  it("draws a table in a fixed width, with Chinese characters counted twice", () => {
    const markdown = "| Name | 数量 |\n|:--|--:|\n| Tea | 12 |\n| 苹果 | **3** |";
    expect(parts(markdown)).toEqual([
      ["pre", "Name │ 数量\n─────┼─────\nTea  │   12\n苹果 │    3"],
    ]);
  });

  it("draws a rule", () => {
    expect(format("a\n\n---\n\nb").text).toBe("a\n\n──────────\n\nb");
  });

  it("shows HTML as text, except line breaks", () => {
    expect(format("<b>a</b><br>c").text).toBe("<b>a</b>\nc");
    expect(format("<script>x</script>").text).toBe("<script>x</script>");
  });

  it("shows what was escaped", () => {
    expect(format("\\*a\\* 1 \\< 2 \\# b")).toEqual({ text: "*a* 1 < 2 # b", entities: [] });
  });

  it("cuts the space around, together with what is formatted there", () => {
    expect(format("\n\n**a**\n\n")).toEqual({
      text: "a",
      entities: [{ type: "bold", offset: 0, length: 1 }],
    });
  });

  it.each(["", "   ", "[x]: http://a.b", "```\n```"])("has nothing left of %j", (markdown) => {
    expect(formatMarkdown(markdown)).toBeNull();
  });

  it("gives up on nesting beyond reason instead of failing", () => {
    expect(formatMarkdown(">".repeat(4_000))).toBeNull();
    expect(formatMarkdown("- ".repeat(2_000))).not.toBeUndefined();
  });
});

describe("formatMarkdown, for any text", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ..."*_~`#>|-+.![]()<&\\ \n\t123:".split(""),
      "**",
      "```",
      "\n\n",
      "| a |\n|--|\n",
    ),
    fc.constantFrom("[a](https://b.co)", "![p](http://x.y)", "<b>", "😀", "中文", "\ud83d"),
    fc.string({ unit: "binary", maxLength: 5 }),
  );
  const markdown = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));

  it("never makes entities that Telegram would refuse", () => {
    fc.assert(
      fc.property(markdown, (text) => {
        const formatted = formatMarkdown(text);
        if (formatted !== null) checkEntities(formatted.text, formatted.entities);
      }),
      { numRuns: 3_000 },
    );
  });

  it("keeps every word of a text without markers", () => {
    const word = fc.stringMatching(/^[\p{L}][\p{L}\p{N}]{0,11}$/u);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), (words) => {
        expect(format(words.join(" "))).toEqual({ text: words.join(" "), entities: [] });
      }),
    );
  });

  it("keeps every word between markers", () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const styled = fc.tuple(fc.constantFrom("**", "*", "~~", "`", ""), word);
    fc.assert(
      fc.property(fc.array(styled, { minLength: 1, maxLength: 20 }), (words) => {
        const source = words.map(([mark, text]) => mark + text + mark).join(" ");
        expect(format(source).text).toBe(words.map(([, text]) => text).join(" "));
      }),
    );
  });
});
