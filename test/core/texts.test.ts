import { describe, expect, it } from "vitest";
import { formatAmount, formatFunds } from "../../src/core/texts/format.ts";
import { LOCALES, matchLocale, textsFor } from "../../src/core/texts/locales.ts";
import { escapeMarkdown } from "../../src/core/texts/markdown.ts";

/** Details of every error, so that a sentence which names another one shows "undefined". */
const DETAILS = new Proxy({}, { get: (_target, name) => `<${String(name)}>` }) as Record<
  string,
  string
>;

describe.each(LOCALES)("texts in %s", (locale) => {
  const texts = textsFor(locale);

  it("have a sentence for every error and failure", () => {
    for (const sentence of Object.values(texts.errors)) {
      expect(sentence(DETAILS)).not.toMatch(/undefined|\[object/);
      expect(sentence(DETAILS).length).toBeGreaterThan(5);
    }
    for (const sentence of Object.values(texts.failures)) expect(sentence).not.toBe("");
  });

  it("write amounts with their unit", () => {
    expect(formatAmount("credit", 12_345n, texts, "USD")).toContain("0.012345 USD");
    expect(formatAmount("message", 1n, texts, "USD")).toMatch(/^1 /);
    expect(formatFunds({ credit: 0n, message: 0n }, texts, "USD")).toBe(
      formatAmount("message", 0n, texts, "USD"),
    );
    expect(formatFunds({ credit: 1_000_000n, message: 2n }, texts, "USD")).toContain(" · ");
  });

  it("keep receipts to one line that names what was paid and what is left", () => {
    const receipt = texts.receipt({
      modelAsked: "a",
      modelAnswered: "b",
      inputTokens: 3,
      outputTokens: 4,
      cost: "5 USD",
      freeReason: null,
      left: "6 USD",
    });
    expect(receipt).not.toContain("\n");
    for (const part of ["a", "b", "3", "4", "5 USD", "6 USD"]) expect(receipt).toContain(part);
  });
});

describe("matchLocale", () => {
  it("finds the language of a tag in any form, and none for what we do not speak", () => {
    expect(matchLocale("zh-hans-CN")).toBe("zh");
    expect(matchLocale("EN_us")).toBe("en");
    expect(matchLocale("fr")).toBeNull();
    expect(matchLocale("")).toBeNull();
    expect(matchLocale(null)).toBeNull();
  });
});

describe("escapeMarkdown", () => {
  it("takes every mark its meaning and keeps one line", () => {
    expect(escapeMarkdown("*a* _b_\n[c](d) `e`")).toBe("\\*a\\* \\_b\\_ \\[c\\](d) \\`e\\`");
  });
});
