import { expect } from "vitest";
import { createId } from "../../src/core/ids.ts";

const WAIT = { timeout: 15_000 };

interface Shown {
  readonly author: "person" | "bot";
  readonly text: string;
}

/** A browser without a screen, at the web chat of a running program. */
export class WebVisitor {
  readonly #url: string;
  readonly #cookie: string;

  private constructor(url: string, cookie: string) {
    this.#url = url;
    this.#cookie = cookie;
  }

  static async open(url: string): Promise<WebVisitor> {
    const response = await fetch(`${url}/`);
    return new WebVisitor(url, response.headers.getSetCookie()[0]?.split(";")[0] ?? "");
  }

  /** What the bot shows. */
  async read(): Promise<string[]> {
    const abort = new AbortController();
    const response = await fetch(`${this.#url}/chat/events`, {
      headers: { cookie: this.#cookie },
      signal: abort.signal,
    });
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const line = text.split("\n").find((part) => part.startsWith("data:"));
      if (line === undefined || !text.includes("\n\n")) continue;
      abort.abort();
      const { messages }: { messages: Shown[] } = JSON.parse(line.slice("data:".length));
      return messages.filter(({ author }) => author === "bot").map((message) => message.text);
    }
    return [];
  }

  /** Writes and resolves with the first new message of the bot that has these words. */
  async ask(text: string, words: string): Promise<string> {
    const known = (await this.read()).length;
    const response = await fetch(`${this.#url}/chat/messages`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        origin: this.#url,
        cookie: this.#cookie,
      },
      body: JSON.stringify({ id: createId(new Date()), text, attachments: [] }),
    });
    expect(response.status).toBe(202);
    const find = async () =>
      (await this.read()).slice(known).find((shown) => shown.includes(words));
    await expect.poll(find, WAIT).toBeDefined();
    return (await find()) ?? "";
  }
}
