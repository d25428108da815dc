import { describe, expect, it } from "vitest";
import { parseCommand, splitFirst, words } from "../../src/core/commands/parse-command.ts";

describe("parseCommand", () => {
  it("takes name and arguments apart", () => {
    expect(parseCommand("/Redeem  AB CD\nEF ")).toEqual({ name: "redeem", args: "AB CD\nEF" });
    expect(parseCommand(" /help ")).toEqual({ name: "help", args: "" });
    expect(parseCommand("/stats@dianka_bot 7d")).toEqual({ name: "stats", args: "7d" });
    expect(parseCommand("／余额")).toEqual({ name: "余额", args: "" });
  });

  it("leaves ordinary text alone", () => {
    for (const text of ["hello", "a /help", "/", "//", "/ help", "/usr/bin/env", "1/2", ""]) {
      expect(parseCommand(text)).toBeNull();
    }
    expect(parseCommand(`/${"a".repeat(33)}`)).toBeNull();
    expect(parseCommand(`/${"a".repeat(32)}`)?.name).toHaveLength(32);
  });
});

describe("arguments", () => {
  it("are words, whatever stands between them", () => {
    expect(words("  a \n b\tc ")).toEqual(["a", "b", "c"]);
    expect(splitFirst("user the  reason why")).toEqual({ first: "user", rest: "the  reason why" });
    expect(splitFirst("")).toEqual({ first: "", rest: "" });
  });
});
