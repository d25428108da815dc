import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DISCORD_CAPABILITIES } from "../../src/adapters/discord/discord-capabilities.ts";
import { messageBody, shorten } from "../../src/adapters/discord/discord-content.ts";
import { adaptMarkdown, escapeMarkdown } from "../../src/adapters/discord/discord-markup.ts";

const body = (text: string, format: "plain" | "markdown" = "markdown") =>
  messageBody({ text, format, buttons: [] });

describe("Markdown for Discord", () => {
  it("leaves alone what Discord reads itself", () => {
    const markdown =
      "# One\n\n## Two\n\n**bold** *it* ~~no~~ `a ![b](c)`\n\n> quote\n\n- a\n  - b\n\n1. c\n\n```ts\nlet a = 1;\n```\nend";
    expect(adaptMarkdown(markdown)).toBe(markdown);
  });

  it("draws tables in one width, Chinese too", () => {
    const table = "before\n\n| 名 | Price |\n|---|--:|\n| 茶叶 | 2 |\n| a | `10` |\n\nafter";
    expect(adaptMarkdown(table)).toBe(
      "before\n\n```\n名   │ Price\n─────┼──────\n茶叶 │     2\na    │    10\n```\n\nafter",
    );
  });

  it("writes deeper headings bold, and underlined ones with hashes", () => {
    expect(adaptMarkdown("### Three\n\n#### Four **x**\n\ntext")).toBe(
      "### Three\n\n**Four x**\n\ntext",
    );
    expect(adaptMarkdown("Title\n=====\n\ntext")).toBe("# Title\n\ntext");
  });

  it("turns pictures into links, outside code", () => {
    expect(adaptMarkdown("see ![a cat](https://x.org/c.png) and `![a](b)`")).toBe(
      "see [a cat](https://x.org/c.png) and `![a](b)`",
    );
  });

  it("fences code the one way Discord knows", () => {
    expect(adaptMarkdown("~~~js\na\n~~~\n\nb")).toBe("```js\na\n```\n\nb");
    expect(adaptMarkdown("text\n\n    indented\n\nmore")).toBe(
      "text\n\n```\nindented\n```\n\nmore",
    );
    expect(adaptMarkdown("````md\n```\ninner\n```\n````")).toBe(
      "```md\n`\u200b``\ninner\n`\u200b``\n```",
    );
    expect(adaptMarkdown("```ts\nlet a")).toBe("```ts\nlet a");
  });

  it("survives nesting beyond reason", () => {
    const deep = ">".repeat(20_000);
    expect(adaptMarkdown(deep)).toBe(deep);
  });
});

describe("plain text for Discord", () => {
  it("shows marks as they are, and keeps addresses whole", () => {
    expect(escapeMarkdown("*a* _b_ <@1> https://x.org/a_b_c")).toBe(
      "\\*a\\* \\_b\\_ \\<@1> https://x.org/a_b_c",
    );
    expect(escapeMarkdown("# no\n> no\n1. no\n- no")).toBe("\\# no\n\\> no\n1\\. no\n\\- no");
  });
});

describe("the body of a message", () => {
  it("notifies nobody, whatever it mentions, and shows no link previews", () => {
    expect(body("@everyone <@1> <@&2>")).toMatchObject({
      allowed_mentions: { parse: [], replied_user: false },
      flags: 4,
    });
  });

  it("takes the buttons of an edited message away when there are none", () => {
    expect(body("a").components).toEqual([]);
    const buttons = [{ action: "stop", replyId: "7", label: "x".repeat(81) }] as const;
    const [row] = messageBody({ text: "a", format: "plain", buttons }).components as {
      components: { custom_id: string; label: string }[];
    }[];
    expect(row?.components[0]).toMatchObject({ custom_id: "stop:7" });
    expect(row?.components[0]?.label).toHaveLength(80);
  });

  it("is shown unadapted rather than cut when adapting would make it too long", () => {
    expect(body("*".repeat(1_200), "plain").content).toBe("*".repeat(1_200));
    expect(body("*".repeat(900), "plain").content).toBe("\\*".repeat(900));
  });

  it("is never longer than Discord takes, never empty, never half an emoji", () => {
    const pieces = fc.constantFrom(
      "| a | b |\n|--|--|\n| 1 | 2 |\n",
      "# x\n",
      "😀",
      "*",
      "a ",
      "\n",
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 400 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom("plain" as const, "markdown" as const),
        (parts, times, format) => {
          const { content } = body(parts.join("").repeat(times), format);
          expect(content.length).toBeLessThanOrEqual(DISCORD_CAPABILITIES.textLengthMax);
          expect(content.trim()).not.toBe("");
          expect(content.isWellFormed()).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
    expect(body("x".repeat(2_000)).content).toHaveLength(2_000);
    expect(body("x".repeat(2_001)).content).toBe(`${"x".repeat(1_999)}…`);
    expect(shorten("😀😀", 3)).toBe("😀…");
  });
});

describe("what Discord allows", () => {
  it("is never more than five calls in five seconds", () => {
    const { burst, refillMs } = DISCORD_CAPABILITIES.pace.group;
    const laterCalls = Math.floor(4_999 / refillMs);
    expect(burst + laterCalls).toBe(5);
    // The next one comes with time to spare for a packet that was late.
    expect((laterCalls + 1) * refillMs).toBeGreaterThanOrEqual(5_100);
  });
});
