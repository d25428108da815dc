import type { PersonCommandName } from "./command-names.ts";
import type { ParsedCommand } from "./parse-command.ts";

/** What may follow the word: nothing, one word such as a model's name, or anything. */
type Follows = "nothing" | "word" | "anything";

const COMMANDS: readonly (readonly [PersonCommandName, Follows, readonly string[]])[] = [
  ["help", "nothing", ["帮助", "幫助", "菜单", "help", "menu"]],
  ["balance", "nothing", ["余额", "餘額", "我的余额", "balance"]],
  ["redeem", "anything", ["充值", "兑换", "兌換", "redeem"]],
  ["buy", "nothing", ["购买", "購買", "买卡", "buy"]],
  ["new", "nothing", ["新对话", "新對話", "新会话", "new chat"]],
  ["stop", "nothing", ["停止", "停", "stop"]],
  ["retry", "nothing", ["重试", "重試", "重新回答", "retry"]],
  ["history", "nothing", ["历史", "歷史", "历史对话", "history"]],
  ["resume", "word", ["恢复", "恢復", "resume"]],
  ["usage", "nothing", ["用量", "账单", "usage"]],
  ["model", "word", ["模型", "model"]],
  ["role", "word", ["角色", "role"]],
  ["link", "word", ["绑定", "綁定", "link"]],
  ["unlink", "nothing", ["解绑", "解綁", "unlink"]],
  ["lang", "word", ["语言", "語言", "language"]],
];

/** What a command is called in a language; `null` where it has no name but its own. */
export function localCommandName(name: PersonCommandName, locale: string): string | null {
  if (locale !== "zh") return null;
  const spellings = COMMANDS.find(([command]) => command === name)?.[2] ?? [];
  return spellings.find((spelling) => /^\p{Script=Han}+$/u.test(spelling)) ?? null;
}

/** The first word after which a person's own words may stand without a space, as Chinese is written. */
const JOINED = /^(充值|兑换|兌換)[\s:：]*(?=[A-Za-z0-9Ａ-Ｚａ-ｚ０-９])/u;
const WORD = /^[\w.:@/-]{1,64}$/u;
const MORE = new Set(["继续", "繼續", "下一页", "更多", "more", "continue", "go on"]);

/**
 * Commands as plain words, for platforms without a menu of commands. Only what can hardly be a
 * question counts: "余额" is a command, "余额宝是什么" is none. `null` for everything else.
 */
export function parsePlainCommand(text: string): ParsedCommand | null {
  const trimmed = text.trim().replace(/[。.!！]$/u, "");
  const joined = JOINED.exec(trimmed);
  if (joined) return { name: "redeem", args: trimmed.slice(joined[0].length) };
  const lower = trimmed.toLowerCase();
  for (const [name, follows, spellings] of COMMANDS) {
    for (const spelling of spellings) {
      if (lower === spelling) return { name, args: "" };
      if (follows === "nothing" || !lower.startsWith(`${spelling} `)) continue;
      const args = trimmed.slice(spelling.length).trim();
      if (follows === "anything" || WORD.test(args)) return { name, args };
    }
  }
  return null;
}

/** The person only wants to read on. */
export function asksForMore(text: string): boolean {
  return MORE.has(
    text
      .trim()
      .toLowerCase()
      .replace(/[。.!！…]+$/u, ""),
  );
}
