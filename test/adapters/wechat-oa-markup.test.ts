import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPlainText } from "../../src/adapters/shared/plain-markdown.ts";

describe("toPlainText", () => {
  it.each([
    ["# Title\n\ntext", "Title\n\ntext"],
    ["**bold** *italic* ~~gone~~ `code`", "bold italic gone code"],
    ["```ts\nconst a = 1;\n\n  b();\n```", "const a = 1;\n\n  b();"],
    ["- a\n  - b\n    1. c\n- d", "• a\n  • b\n    1. c\n• d"],
    ["3. a\n4. b", "3. a\n4. b"],
    ["- [x] done\n- [ ] open", "☑ done\n☐ open"],
    ["> a\n> b\n\nc", "> a\n> b\n\nc"],
    ["| A | B |\n|---|--:|\n| 1 | **2** |", "A | B\n1 | 2"],
    ["a\n\n---\n\nb", "a\n\n──────────\n\nb"],
    ["2 * 3 * 4 snake_case_name", "2 * 3 * 4 snake_case_name"],
    ["\\*not italic\\* <b>html</b> a & b", "*not italic* <b>html</b> a & b"],
    ["a<br>b", "a\nb"],
    ["你好 😀 **粗体**。", "你好 😀 粗体。"],
  ])("turns %j into %j", (markdown, plain) => {
    expect(toPlainText(markdown)).toBe(plain);
  });

  it("shows where links lead, with nothing touching the address", () => {
    expect(toPlainText("see [docs](https://a.b/c), ok")).toBe("see docs: https://a.b/c , ok");
    expect(toPlainText("[a](https://a.b) [c](https://c.d)")).toBe("a: https://a.b c: https://c.d");
    expect(toPlainText("https://a.b and <https://c.d>")).toBe("https://a.b and https://c.d");
    expect(toPlainText("[https://a.b](https://a.b)。")).toBe("https://a.b。");
    expect(toPlainText("![cat](https://a.b/c.png)")).toBe("🖼 cat: https://a.b/c.png");
  });

  it("gives back what leaves nothing to read, and what is nested beyond reason", () => {
    expect(toPlainText("[a]: https://a.b")).toBe("[a]: https://a.b");
    const quotes = `${">".repeat(20_000)} deep`;
    expect(toPlainText(quotes)).toContain("deep");
  });

  it("keeps every plain word", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, (list) => {
        expect(toPlainText(list.join(" "))).toBe(list.join(" "));
      }),
    );
  });
});
