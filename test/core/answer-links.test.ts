import { describe, expect, it } from "vitest";
import { AnswerLinks } from "../../src/core/answer-links.ts";
import { createId } from "../../src/core/ids.ts";

const links = new AnswerLinks(Buffer.alloc(32, 1), "https://bot.example");
const replyId = createId(new Date());
const token = links.linkTo(replyId).slice("https://bot.example/answers/".length);

describe("AnswerLinks", () => {
  it("finds the reply of a link of its own", () => {
    expect(links.linkTo(replyId)).toMatch(/^https:\/\/bot\.example\/answers\/[\w-]{43}$/);
    expect(links.readReplyId(token)).toBe(replyId);
  });

  it("finds nothing behind a link somebody changed or made up", () => {
    for (let at = 0; at < token.length - 1; at += 1) {
      const other = token[at] === "A" ? "B" : "A";
      expect(links.readReplyId(token.slice(0, at) + other + token.slice(at + 1))).toBeNull();
    }
    const ofOthers = new AnswerLinks(Buffer.alloc(32, 2), "https://bot.example");
    expect(ofOthers.readReplyId(token)).toBeNull();
    for (const text of ["", "x", token + token, "%", "../../etc/passwd"]) {
      expect(links.readReplyId(text)).toBeNull();
    }
  });
});
