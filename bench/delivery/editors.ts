import type { ChatSender, SentMessage } from "../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../src/core/chat/chat-address.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { ReplyWriter } from "../../src/core/chat/reply-writer.ts";
import type { Clock } from "../../src/core/clock.ts";
import { OutsideError } from "../../src/core/errors.ts";

/** Something that shows a growing answer in one chat. */
export interface Editor {
  write(textSoFar: string): void;
  finish(text: string): Promise<void>;
}

export type EditorFactory = (to: ChatAddress, isDirect: boolean) => Editor;

/** Ours: one budget for the bot, one writer for each answer. */
export function dianka(sender: ChatSender, clock: Clock): EditorFactory {
  const { pace, callsPerSecondMax } = sender.capabilities;
  const budget = new EditBudget(clock, pace, callsPerSecondMax);
  return (address, isDirect) => {
    const writer = new ReplyWriter({
      sender,
      address,
      isDirect,
      budget,
      clock,
      replyTo: null,
      existing: [],
      placeholderText: "…",
      restText: "…",
      stopButton: null,
      onSent: async () => {},
      onPreviewFailed: () => {},
    });
    writer.showPlaceholder();
    return {
      write: (text) => writer.write(text),
      finish: async (text) => {
        if (!(await writer.finish({ text, buttons: [] }))) throw new Error("an answer was parked");
      },
    };
  };
}

const FIXED_MS = 500;

/**
 * What chat libraries do by default: an edit every 500 ms, whatever the platform and whatever the
 * other chats do. A refusal is waited out exactly as the platform says. https://chat-sdk.dev
 */
export function fixedInterval(sender: ChatSender, clock: Clock): EditorFactory {
  return (to) => new FixedEditor(sender, clock, to);
}

class FixedEditor implements Editor {
  readonly #sender: ChatSender;
  readonly #clock: Clock;
  readonly #to: ChatAddress;
  readonly #messages: { readonly sent: SentMessage; shown: string }[] = [];
  #text = "";
  #isFinal = false;
  #run: Promise<void> | null = null;

  constructor(sender: ChatSender, clock: Clock, to: ChatAddress) {
    this.#sender = sender;
    this.#clock = clock;
    this.#to = to;
  }

  write(textSoFar: string): void {
    this.#text = textSoFar;
    this.#run ??= this.#repeat();
  }

  async finish(text: string): Promise<void> {
    this.write(text);
    this.#isFinal = true;
    await this.#run;
  }

  async #repeat(): Promise<void> {
    for (;;) {
      const isFinal = this.#isFinal;
      try {
        await this.#showAll();
        if (isFinal) return;
        await this.#clock.sleep(FIXED_MS);
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error;
        await this.#clock.sleep(error.retryAfterMs ?? FIXED_MS);
      }
    }
  }

  async #showAll(): Promise<void> {
    const { textLengthMax } = this.#sender.capabilities;
    for (let index = 0; index * textLengthMax < this.#text.length; index += 1) {
      const text = this.#text.slice(index * textLengthMax, (index + 1) * textLengthMax);
      const message = this.#messages[index];
      if (message?.shown === text || text.trim() === "") continue;
      const content = { text, format: "plain", buttons: [], replyTo: null } as const;
      if (message === undefined) {
        this.#messages.push({ sent: await this.#sender.send(this.#to, content), shown: text });
      } else {
        await this.#sender.edit(message.sent, content);
        message.shown = text;
      }
    }
  }
}
