import { describe, expect, it } from "vitest";
import { asksForMore, parsePlainCommand } from "../../src/core/commands/plain-commands.ts";

describe("parsePlainCommand", () => {
  it.each([
    ["余额", "balance", ""],
    [" 余额。", "balance", ""],
    ["餘額", "balance", ""],
    ["Balance", "balance", ""],
    ["帮助", "help", ""],
    ["新对话", "new", ""],
    ["停止！", "stop", ""],
    ["充值", "redeem", ""],
    ["充值 ABCD-EFGH", "redeem", "ABCD-EFGH"],
    ["充值ABCD-EFGH", "redeem", "ABCD-EFGH"],
    ["充值：ＡＢＣＤ", "redeem", "ＡＢＣＤ"],
    ["兑换 A1 B2", "redeem", "A1 B2"],
    ["模型 gpt-5-mini", "model", "gpt-5-mini"],
    ["恢复 3", "resume", "3"],
    ["language zh", "lang", "zh"],
  ])("reads %j as a command", (text, name, args) => {
    expect(parsePlainCommand(text)).toEqual({ name, args });
  });

  it.each([
    "余额宝是什么",
    "帮助我写一封信",
    "停止吸烟的方法",
    "充值卡怎么用",
    "模型 是 什么",
    "help me with my homework",
    "stop the music",
    "历史 上 的 今天",
    "你好",
    "",
    "🙂",
  ])("leaves the question %j alone", (text) => {
    expect(parsePlainCommand(text)).toBeNull();
  });
});

describe("asksForMore", () => {
  it("knows the words people read on with", () => {
    for (const text of ["继续", " 继续。", "繼續", "More", "continue…"]) {
      expect(asksForMore(text)).toBe(true);
    }
  });

  it("leaves everything longer alone", () => {
    for (const text of ["继续说说第二点", "tell me more", ""]) {
      expect(asksForMore(text)).toBe(false);
    }
  });
});
