import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPlainText } from "../../src/adapters/wechat/wechat-markup.ts";
import { readQuotation, withoutNames } from "../../src/adapters/wechat/wechat-message.ts";

describe("toPlainText", () => {
  it.each([
    ["**bold** and *italic* and ~~gone~~", "bold and italic and gone"],
    ["## Title\n\ntext", "【Title】\n\ntext"],
    ["Run `npm i`:\n\n```bash\nnpm i\n```\n\nDone.", "Run npm i:\n\nnpm i\n\nDone."],
    ["- one\n- two\n  - deeper\n  - still", "• one\n• two\n  • deeper\n  • still"],
    ["3. three\n4. four", "3. three\n4. four"],
    ["- [x] done\n- [ ] open", "☑ done\n☐ open"],
    ["> said\n> twice", "> said\n> twice"],
    ["| a | b |\n|---|---|\n| 1 | **2** |", "a | b\n1 | 2"],
    ["see [the docs](https://a.example/x) now", "see the docs: https://a.example/x now"],
    ["https://a.example/x", "https://a.example/x"],
    ["<https://a.example/x>", "https://a.example/x"],
    ["![a cat](https://a.example/cat.png)", "a cat: https://a.example/cat.png"],
    ["[mail](mailto:a@b.example)", "mail"],
    ["a\n\n---\n\nb", "a\n\n————————\n\nb"],
    ["line<br>break", "line\nbreak"],
    ["2 \\* 3 < 4 & 5", "2 * 3 < 4 & 5"],
    ["`**not bold**`", "**not bold**"],
    ["", ""],
  ])("writes %j as %j", (markdown, text) => {
    expect(toPlainText(markdown)).toBe(text);
  });

  it("keeps code exactly as it is", () => {
    const code = "def f(x):\n    return x ** 2  # *no*\n\n\nprint(f(3))";
    expect(toPlainText(`\`\`\`python\n${code}\n\`\`\``)).toBe(code);
  });

  it("keeps every word of every text", () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const mark = fc.constantFrom("**", "*", "`", "# ", "- ", "> ", "\n", "\n\n", " ", "| ", "1. ");
    fc.assert(
      fc.property(fc.array(fc.tuple(mark, word), { maxLength: 20 }), (parts) => {
        const shown = toPlainText(parts.flat().join(""));
        const letters = (text: string) => text.replace(/[^a-z]/g, "");
        expect(letters(shown)).toContain(letters(parts.map(([, text]) => text).join("")));
      }),
    );
  });

  it("survives what no parser survives", () => {
    const nested = ">".repeat(20_000);
    expect(toPlainText(nested)).toBe(nested);
  });
});

describe("names and quotations", () => {
  it("takes only whole names out", () => {
    expect(withoutNames("@Bot\u2005hi @Bot2 you", ["Bot"])).toBe("hi @Bot2 you");
    expect(withoutNames("hi @B.o(t", ["B.o(t"])).toBe("hi");
  });

  it("reads no quotation where there is none", () => {
    const text = "「a：b」 is what he said";
    expect(readQuotation(text, [])).toEqual({ text, quotedText: null });
  });

  it("keeps the lines of what is quoted", () => {
    const line = "- - - - - - - - - - - - - - -";
    expect(readQuotation(`「A: one\ntwo」\n${line}\nwhy\n?`, [])).toEqual({
      text: "why\n?",
      quotedText: "one\ntwo",
    });
  });
});
