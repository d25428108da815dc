import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  ChatHandlers,
  ChatSender,
  MessageButton,
  OutgoingMessage,
} from "../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../src/core/chat/chat-address.ts";
import type { IncomingMessage } from "../../src/core/chat/incoming-message.ts";
import type { PanelState, PanelTurn, WebPanel } from "../../src/core/chat/web-panel.ts";
import { UserError } from "../../src/core/errors.ts";
import { createId } from "../../src/core/ids.ts";
import {
  ARABIC_ANSWER,
  CHINESE_ANSWER,
  HUGE_ANSWER,
  LONG_ANSWER,
  SHORT_ANSWER,
} from "./web-demo-answers.ts";

const PIECE_LENGTH = 12;

/** A core that follows a script: it streams prepared answers and knows a few commands. */
export class ScriptedCore implements ChatHandlers, WebPanel {
  readonly heard: IncomingMessage[] = [];
  readonly control = { pieceMs: 15, failures: 0 };
  adapter: ChatSender | null = null;
  readonly #stopped = new Set<string>();
  #messagesLeft = 10;
  #model = "gpt-5-mini";
  #role = "assistant";
  #locale = "en";
  #current = 0;
  #answers = 0;

  async onMessage(message: IncomingMessage): Promise<void> {
    this.heard.push(message);
    if (this.control.failures > 0) {
      this.control.failures -= 1;
      throw new Error("the database is away");
    }
    const [command = "", ...words] = message.text.split(/\s+/);
    if (command.startsWith("/") && command !== "/ask") {
      await this.#command(command, words, message);
    } else {
      void this.#answer(message.address, message);
    }
  }

  async onAction(action: { action: string; replyId: string; address: ChatAddress }) {
    if (action.action === "stop") this.#stopped.add(action.replyId);
    else if (action.action === "retry") void this.#answer(action.address, null);
    return action.action === "stop" ? "Stopped." : null;
  }

  async onReachable(): Promise<void> {}
  async onChatMoved(): Promise<void> {}

  async onLoginCode(): Promise<void> {}

  async readState(): Promise<PanelState> {
    const isChinese = this.#locale === "zh";
    const choices = (chosen: string, names: Record<string, string>) =>
      Object.entries(names).map(([name, title]) => ({ name, title, isSelected: name === chosen }));
    return {
      locale: this.#locale,
      balance: {
        credit: "US$4.20",
        messages: String(this.#messagesLeft),
        lots: [
          {
            unit: "message",
            kind: "trial",
            remaining: String(this.#messagesLeft),
            validUntil: "2026-12-23T00:00:00Z",
          },
          { unit: "credit", kind: "card", remaining: "US$4.20", validUntil: null },
        ],
      },
      models: [
        ["gpt-5-mini", isChinese ? "1 条消息" : "1 message", true],
        ["gpt-5", isChinese ? "4 条消息" : "4 messages", true],
        ["deepseek-chat", "$0.27 / $1.10", false],
      ].map(([name, price, seesImages]) => ({
        name: String(name),
        title: String(name),
        price: String(price),
        seesImages: seesImages === true,
        isSelected: name === this.#model,
      })),
      roles: choices(this.#role, {
        assistant: isChinese ? "助手" : "Assistant",
        translator: isChinese ? "翻译" : "Translator",
      }),
      locales: choices(this.#locale, { en: "English", zh: "中文" }),
      conversations: this.#listConversations(isChinese),
      receipts:
        this.#answers === 0
          ? []
          : [{ at: new Date().toISOString(), model: this.#model, charge: "1 message" }],
      isAdmin: false,
    };
  }

  async readTurns(_viewer: unknown, number: number): Promise<PanelTurn[]> {
    if (number > 3) throw new UserError("unknown_conversation");
    return [
      { author: "user", text: "Plan two days in Chengdu.", at: "2026-11-20T09:00:00Z" },
      {
        author: "assistant",
        text: "**Day 1**: People's Park, tea, hotpot.\n\n**Day 2**: pandas in the morning, Jinli at night.",
        at: "2026-11-20T09:00:09Z",
      },
    ];
  }

  #listConversations(isChinese: boolean) {
    const titles = isChinese
      ? ["热泵是怎么工作的", "成都两日游", "给房东的信"]
      : [
          "How a heat pump works",
          "Two days in Chengdu",
          "A letter to the landlord about the broken boiler",
        ];
    return titles.map((title, index) => ({
      number: index + 1,
      title,
      at: new Date(Date.now() - index * 86_400_000).toISOString(),
      isCurrent: index + 1 === this.#current,
    }));
  }

  async #command(command: string, words: readonly string[], message: IncomingMessage) {
    const { channel } = message.address;
    const first = words[0] ?? "";
    if (channel === "admin") return this.#adminCommand(command, words, message.address);
    if (command === "/model") this.#model = first;
    if (command === "/role") this.#role = first;
    if (command === "/lang") this.#locale = first;
    if (command === "/new") this.#current = 0;
    if (command === "/resume") this.#current = Number(first);
    if (command === "/redeem") this.#messagesLeft += 100;
    const texts: Record<string, string> = {
      "/redeem": "**100 messages** were added. You have 110 messages.",
      "/model": `Your questions now go to **${this.#model}**.`,
      "/new": "A new conversation begins.",
      "/resume": "You are back in this conversation.",
      "/lang": this.#locale === "zh" ? "以后用中文回复。" : "I will write in English.",
      "/buy":
        "100 messages for US$3.00: https://pay.example/100\n500 messages for US$12.00: https://pay.example/500",
    };
    await this.#say(
      message.address,
      texts[command] ??
        `I do not know the command ${command}. Everything that can be done here: /help. Have a card? \`/redeem CODE\``,
    );
  }

  async #adminCommand(command: string, words: readonly string[], address: ChatAddress) {
    if (command === "/cards" && words[0] === "new") {
      const codes = Array.from(
        { length: 100 },
        () => `DK7-${randomBytes(8).toString("hex").toUpperCase()}`,
      );
      const caption = `${codes.length} cards of batch ${words[1]}: 20 messages each, valid 365 days.`;
      const file = { name: `${words[1]}.txt`, content: `${codes.join("\n")}\n`, caption };
      await this.adapter?.sendFile(address, file);
      return;
    }
    const stats =
      "**Today**\n\n| | |\n| --- | ---: |\n| People | 128 |\n| Answers | 1,904 |\n| Tokens in / out | 2.1 M / 0.9 M |\n| Revenue | US$41.20 |\n| Upstream cost | US$11.75 |\n| Margin | 71 % |\n| Errors | 3 |\n| First word, median | 0.8 s |";
    const texts: Record<string, string> = {
      "/stats": stats,
      "/upstreams":
        "**main** ready · 2 of 50 requests\n\n**spare** cooling down for 24 s: overloaded",
      "/grant": `Granted **10 messages** to ${words[0]}, valid 30 days.`,
    };
    await this.#say(address, texts[command] ?? `I do not know the command ${command}.`);
  }

  async #say(address: ChatAddress, text: string): Promise<void> {
    await this.adapter?.send(address, { text, format: "markdown", buttons: [], replyTo: null });
  }

  async #answer(address: ChatAddress, message: IncomingMessage | null): Promise<void> {
    const adapter = this.adapter;
    if (adapter === null) return;
    const replyId = createId(new Date());
    const stop: MessageButton = { action: "stop", replyId, label: "⏹ Stop" };
    const growing = (text: string): OutgoingMessage => ({
      text,
      format: "plain",
      buttons: [stop],
      replyTo: null,
    });
    await adapter.showTyping(address);
    const sent = await adapter.send(address, growing("💭 …"));
    await sleep(this.control.pieceMs * 30);
    const answer = answerTo(message);
    let shown = 0;
    while (shown < answer.length && !this.#stopped.has(replyId)) {
      await sleep(this.control.pieceMs);
      shown += PIECE_LENGTH;
      await adapter.edit(sent, growing(answer.slice(0, shown)));
    }
    this.#messagesLeft -= 1;
    this.#answers += 1;
    this.#current = 1;
    await adapter.edit(sent, {
      text: answer.slice(0, shown),
      format: "markdown",
      buttons: [
        { action: "retry", replyId, label: this.#locale === "zh" ? "🔄 重试" : "🔄 Retry" },
        { action: "new", replyId, label: this.#locale === "zh" ? "✨ 新对话" : "✨ New chat" },
      ],
      replyTo: null,
    });
  }
}

function answerTo(message: IncomingMessage | null): string {
  const text = message?.text ?? "";
  if (/[\u4e00-\u9fff]/.test(text)) return CHINESE_ANSWER;
  if (/huge/i.test(text)) return HUGE_ANSWER;
  if (/arabic/i.test(text)) return ARABIC_ANSWER;
  if (/python|code|table/i.test(text)) return LONG_ANSWER;
  if (message !== null && message.attachments.length > 0) return "A red square on white.";
  return SHORT_ANSWER;
}
