import { WecomAdapter } from "../../../src/adapters/wecom/wecom-adapter.ts";
import { FastClock } from "../../fakes/wechat/ilink-clock.ts";
import { BOT_ID, SECRET, until } from "../../fakes/wecom/connected-wecom.ts";
import { CODES } from "../../fakes/wecom/wecom-answers.ts";
import { WecomServer } from "../../fakes/wecom/wecom-server.ts";
import type { AdapterParts, ChatWorld, ConnectedAdapter, WorldPerson } from "./chat-world.ts";

const SENDING = ["aibot_respond_msg", "aibot_send_msg"];

/** A smart bot of WeCom, whose answers are streams. */
export class WecomContractWorld implements ChatWorld {
  readonly clock: FastClock;
  /** https://developer.work.weixin.qq.com/document/path/101463 */
  readonly pieceMax = { characters: Number.POSITIVE_INFINITY, bytes: 20_480 };
  readonly blockedAs = null;
  readonly repeats = false;
  readonly keepsOrder = true;
  readonly asides = [];
  readonly #server: WecomServer;
  #people = 0;

  private constructor(clock: FastClock, server: WecomServer) {
    this.clock = clock;
    this.#server = server;
  }

  static async open(): Promise<WecomContractWorld> {
    const clock = new FastClock();
    const now = () => clock.now().getTime();
    const server = await WecomServer.start({ botId: BOT_ID, secret: SECRET, now });
    return new WecomContractWorld(clock, server);
  }

  async connect({ inbox, memoryOf, log }: AdapterParts): Promise<ConnectedAdapter> {
    const adapter = new WecomAdapter({
      ...{ botId: BOT_ID, secret: SECRET, webSocketUrl: this.#server.url, welcomeText: null },
      ...{ inbox, memory: memoryOf("wecom", BOT_ID), clock: this.clock, log },
    });
    const ready = () => until(() => this.#server.isConnected);
    return { adapter, ready, end: async () => {} };
  }

  async newPerson(): Promise<WorldPerson> {
    this.#people += 1;
    const from = `person${this.#people}`;
    const server = this.#server;
    const writes = async (text: string) => {
      const id = server.says(text, { from });
      return { again: async () => server.resend(id) };
    };
    return {
      channel: from,
      writes,
      commands: async (text) => void (await writes(text)),
      seen: async () => server.seenIn(from).map(({ text }) => text),
      pressesStop: () => Promise.reject(new Error("there are no buttons")),
      blocks: () => Promise.reject(new Error("nobody can close this chat")),
    };
  }

  flood = (times: number) => {
    const countRefused = () =>
      this.#server.calls.filter(({ code }) => code === CODES.tooOften).length;
    const before = countRefused();
    for (const cmd of SENDING) {
      for (let time = 0; time < times; time += 1) this.#server.failNext(cmd, CODES.tooOften);
    }
    return () => countRefused() - before;
  };

  sends(): number {
    return this.#server.calls.filter(({ cmd }) => SENDING.includes(cmd)).length;
  }

  complaints(): readonly string[] {
    return [];
  }

  async stop(): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
