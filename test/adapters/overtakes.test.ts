import { describe, expect, it } from "vitest";
import { overtakesOf } from "../../src/adapters/shared/overtakes.ts";

describe("overtakesOf", () => {
  it.each([
    ["hello", "nothing"],
    ["what does /stop do?", "nothing"],
    ["/ask what is new?", "nothing"],
    ["/balance", "questions"],
    ["／balance", "questions"],
    ["/nonsense", "questions"],
    ["/stop", "everything"],
    ["/STOP@some_bot", "everything"],
  ])("%j overtakes %s", (text, overtaken) => {
    expect(overtakesOf(text, { plainCommands: false })).toBe(overtaken);
  });

  it.each([
    ["停", "everything"],
    ["余额", "questions"],
    ["余额宝是什么", "nothing"],
  ])("%j overtakes %s where plain words are commands", (text, overtaken) => {
    expect(overtakesOf(text, { plainCommands: true })).toBe(overtaken);
    expect(overtakesOf(text, { plainCommands: false })).toBe("nothing");
  });
});
