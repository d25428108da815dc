import { WechatOaAdapter } from "../../../src/adapters/wechat-oa/wechat-oa-adapter.ts";
import { SecretBox } from "../../../src/core/upstream/secret-box.ts";
import { serve } from "../../fakes/served-routes.ts";
import { FastClock } from "../../fakes/wechat/ilink-clock.ts";
import type { WechatPerson } from "../../fakes/wechat-oa/wechat-oa-person.ts";
import { WechatOaServer } from "../../fakes/wechat-oa/wechat-oa-server.ts";
import type { AdapterParts, ChatWorld, ConnectedAdapter, WorldPerson } from "./chat-world.ts";

/** WeChat waits five seconds for an answer: half a second of ours, and more would be tight. */
const SPEED = 10;
const PASSIVE_SPEED = 4;
const STILL_WORKING = "还在思考";
const SEND = "message/custom/send";

/** A service account of WeChat, with or without the right to customer-service messages. */
export class WechatOaWorld implements ChatWorld {
  readonly clock: FastClock;
  /** https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html */
  readonly pieceMax = { characters: Number.POSITIVE_INFINITY, bytes: 2_048 };
  /** Who has left may come back: what waits then waits for their next message. */
  readonly blockedAs: "window_closed" | null;
  readonly flood: ChatWorld["flood"];
  readonly repeats = false;
  /** WeChat brings messages side by side. */
  readonly keepsOrder = false;
  readonly asides = [STILL_WORKING];
  readonly #server: WechatOaServer;
  readonly #hasService: boolean;
  #target = "";
  #people = 0;

  private constructor(clock: FastClock, server: WechatOaServer, hasService: boolean) {
    this.clock = clock;
    this.#server = server;
    this.#hasService = hasService;
    server.state.settings.hasCustomerService = hasService;
    // Inside a request that waits for it nothing is refused.
    this.blockedAs = hasService ? "window_closed" : null;
    this.flood = hasService ? (times) => this.#refuse(times) : null;
  }

  static async open(hasService: boolean): Promise<WechatOaWorld> {
    const clock = new FastClock();
    clock.slowDown(hasService ? SPEED : PASSIVE_SPEED);
    const server = await WechatOaServer.start({ clock, encodingAesKey: null });
    return new WechatOaWorld(clock, server, hasService);
  }

  async connect({ inbox, memoryOf, log }: AdapterParts): Promise<ConnectedAdapter> {
    const { appId, appSecret, token, url: apiRoot } = this.#server;
    const adapter = new WechatOaAdapter({
      ...{ appId, appSecret, token, apiRoot, encodingAesKey: null, menu: null },
      ...{ hasCustomerService: this.#hasService, stillWorkingText: STILL_WORKING },
      ...{ inbox, memory: memoryOf("wechat-oa", appId), clock: this.clock, log },
      box: new SecretBox("a secret key for tests"),
    });
    const { server, url } = await serve(adapter.routes);
    this.#target = `${url}/webhooks/wechat-oa`;
    this.#server.target = this.#target;
    return { adapter, ready: async () => {}, end: () => server.stop({ graceMs: 0 }) };
  }

  async newPerson(): Promise<WorldPerson> {
    this.#people += 1;
    const openId = `oPerson_${String(this.#people).padStart(20, "0")}`;
    const person = this.#server.person(openId);
    const writes = async (text: string) => {
      const { fields, ended } = person.writes(text);
      return { again: () => this.#again(person, fields, ended) };
    };
    return {
      channel: openId,
      writes,
      commands: async (text) => void (await writes(text)),
      seen: async () => person.shown,
      pressesStop: () => Promise.reject(new Error("there are no buttons")),
      blocks: async () => void person.leaves(),
    };
  }

  /** WeChat comes back because our answer got lost on its way: nobody sees what we say now. */
  async #again(
    person: WechatPerson,
    fields: Readonly<Record<string, string>>,
    ended: Promise<void>,
  ): Promise<void> {
    await ended;
    const elements = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`);
    const { query, body } = person.signed(`<xml>${elements.join("")}</xml>`);
    const headers = { "content-type": "text/xml" };
    await fetch(`${this.#target}?${new URLSearchParams(query)}`, { method: "POST", headers, body });
  }

  #refuse(times: number): () => number {
    const before = this.sends();
    this.#server.fail(SEND, { code: 45047 }, times);
    return () => Math.min(times, this.sends() - before);
  }

  sends(): number {
    return this.#server.callsOf(SEND).length;
  }

  complaints(): readonly string[] {
    return [];
  }

  async stop(): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
