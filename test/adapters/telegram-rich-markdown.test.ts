import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toRichMarkdown } from "../../src/adapters/telegram/rich-markdown.ts";

describe("toRichMarkdown", () => {
  it.each([
    "# Title\n\n**bold** *it* ~~x~~ [l](https://a.b)\n\n> quote\n\n1. a\n2. b",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "$x^2$ and 1 < 2, a <- b",
    "```html\n<tg-button>x</tg-button> ![](http://a.b/c.png)\n```",
    "~~~\n<b>\n~~~",
    "- ```\n  <b>\n  ```",
    "`<b>` and ``a ` <b> ![x](y)``",
    "already \\<b> and \\![x](y)",
  ])("leaves %j as it is", (markdown) => {
    expect(toRichMarkdown(markdown)).toBe(markdown);
  });

  it.each([
    ["<b>a</b>", "\\<b>a\\</b>"],
    ["<tg-button type='url'>", "\\<tg-button type='url'>"],
    ["<!-- x -->", "\\<!-- x -->"],
    ["![cat](http://a.b/c.png)", "[cat](http://a.b/c.png)"],
    ["a ` <b>", "a ` \\<b>"],
    ["a \\` <b> `", "a \\` \\<b> `"],
    ["a \\\\<b>", "a \\\\\\<b>"],
    ["a `x\n\n<b> `", "a `x\n\n\\<b> `"],
    ["```\n<b>\n```\n<i>", "```\n<b>\n```\n\\<i>"],
    ["````\n```\n<b>\n````\n<i>", "````\n```\n<b>\n````\n\\<i>"],
  ])("turns %j into %j", (markdown, rich) => {
    expect(toRichMarkdown(markdown)).toBe(rich);
  });

  it("leaves no tag and no picture outside code, whatever the text", () => {
    const piece = fc.constantFrom("<b>", "</b>", "![", "\\", "a", " ", "\n", "<tg-map/>", "](x)");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const rich = toRichMarkdown(pieces.join("")).replace(/\\[\s\S]/g, "");
        expect(rich).not.toMatch(/<[a-z/]|!\[/);
      }),
    );
  });

  it("changes nothing but what it has to escape", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        const without = (source: string) => source.replace(/[\\!]/g, "");
        expect(without(toRichMarkdown(text))).toBe(without(text));
      }),
    );
  });
});
