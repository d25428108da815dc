import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countTurn, fitContext, IMAGE_TOKENS } from "../../src/core/conversation/context-window.ts";
import type { ChatTurn } from "../../src/core/upstream/upstream.ts";

const countLength = (text: string) => text.length;
const turn = (role: ChatTurn["role"], text: string): ChatTurn => ({ role, text, images: [] });
const question = turn("user", "now?");

describe("fitContext", () => {
  it("takes the newest turns that fit, up to the last token", () => {
    const history = [turn("user", "a".repeat(10)), turn("assistant", "b".repeat(10))];
    const whole = fitContext("sys", history, question, 1_000, countLength);
    expect(whole.turns.map(({ text }) => text)).toEqual([
      "sys",
      history[0]?.text,
      history[1]?.text,
      "now?",
    ]);
    const exact = fitContext("sys", history, question, whole.inputTokens, countLength);
    expect(exact.turns).toHaveLength(4);
    const oneLess = fitContext("sys", history, question, whole.inputTokens - 1, countLength);
    // Without its question an answer says nothing, so both go.
    expect(oneLess.turns.map(({ text }) => text)).toEqual(["sys", "now?"]);
  });

  it("always holds the system prompt and the question", () => {
    const window = fitContext("sys", [turn("user", "old")], question, 0, countLength);
    expect(window.turns.map(({ text }) => text)).toEqual(["sys", "now?"]);
  });

  it("counts pictures", () => {
    const image = { mediaType: "image/png", bytes: new Uint8Array() };
    const plain = countTurn(question, countLength);
    expect(countTurn({ ...question, images: [image, image] }, countLength)).toBe(
      plain + 2 * IMAGE_TOKENS,
    );
  });

  it("never exceeds its limit by history, and its count is the sum of its turns", () => {
    const turns = fc.array(
      fc.record({
        role: fc.constantFrom("user" as const, "assistant" as const),
        text: fc.string(),
      }),
    );
    fc.assert(
      fc.property(turns, fc.nat(300), (history, inputTokensMax) => {
        const least = fitContext("s", [], question, 0, countLength).inputTokens;
        const window = fitContext(
          "s",
          history.map(({ role, text }) => turn(role, text)),
          question,
          inputTokensMax,
          countLength,
        );
        expect(window.inputTokens).toBeLessThanOrEqual(Math.max(inputTokensMax, least));
        const sum = window.turns.reduce((total, one) => total + countTurn(one, countLength), 3);
        expect(window.inputTokens).toBe(sum);
        expect(window.turns[1]?.role).toBe("user");
      }),
    );
  });
});
