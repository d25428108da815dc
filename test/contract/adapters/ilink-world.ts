import { IlinkBotSource } from "../../../src/adapters/wechat/ilink/ilink-bot-source.ts";
import { WechatAdapter } from "../../../src/adapters/wechat/wechat-adapter.ts";
import type { WebRoute } from "../../../src/core/chat/web-route.ts";
import { SecretBox } from "../../../src/core/upstream/secret-box.ts";
import { until } from "../../fakes/wechat/connected-wechat.ts";
import { FastClock } from "../../fakes/wechat/ilink-clock.ts";
import type { IlinkPerson } from "../../fakes/wechat/ilink-person.ts";
import { IlinkServer } from "../../fakes/wechat/ilink-server.ts";
import type { AdapterParts, ChatWorld, ConnectedAdapter, WorldPerson } from "./chat-world.ts";

const SPEED = 10;
const HOLD_MS = 2_000;

/** Personal WeChat by Tencent's iLink: every person has a bot of their own. */
export class IlinkContractWorld implements ChatWorld {
  readonly clock: FastClock;
  /** Tencent's own client cuts at this. */
  readonly pieceMax = { characters: 4_000, bytes: Number.POSITIVE_INFINITY };
  /** Who signed out is written to again once they have signed in and written something. */
  readonly blockedAs = "window_closed";
  readonly repeats = false;
  readonly keepsOrder = true;
  readonly asides = [];
  readonly #server: IlinkServer;
  readonly #people: IlinkPerson[] = [];
  #page: WebRoute | null = null;

  private constructor(clock: FastClock, server: IlinkServer) {
    this.clock = clock;
    this.#server = server;
  }

  static async open(): Promise<IlinkContractWorld> {
    const clock = new FastClock();
    clock.slowDown(SPEED);
    const server = await IlinkServer.start({
      now: () => clock.now().getTime(),
      holdMs: HOLD_MS,
    });
    return new IlinkContractWorld(clock, server);
  }

  async connect({ inbox, memoryOf, log }: AdapterParts): Promise<ConnectedAdapter> {
    const source = new IlinkBotSource({
      ...{ baseUrl: this.#server.url, memory: memoryOf("wechat", "main"), isSecure: false },
      ...{ box: new SecretBox("a secret key for tests"), clock: this.clock, log },
    });
    const adapter = new WechatAdapter({
      ...{ source, friends: "all", acceptsRoomInvitations: false, loginPage: "/wechat" },
      texts: { transferAnswer: () => "Please use a card." },
      ...{ inbox, clock: this.clock, log },
    });
    this.#page = source.routes.find(({ path }) => path === "/wechat") ?? null;
    const ready = () =>
      until(() => this.#people.every((person) => this.#server.pollsOf(person) === 1));
    return { adapter, ready, end: async () => {} };
  }

  async newPerson(): Promise<WorldPerson> {
    const person = await this.#signIn();
    const server = this.#server;
    const writes = async (text: string) => {
      const message_id = server.write(person, text);
      const items = [{ type: 1, text_item: { text } }];
      return { again: async () => void server.deliver(person, items, { message_id }) };
    };
    return {
      channel: person.id,
      writes,
      commands: async (text) => void (await writes(text)),
      seen: async () => person.texts,
      pressesStop: () => Promise.reject(new Error("there are no buttons")),
      blocks: async () => server.expireToken(person),
    };
  }

  flood = (times: number) => {
    const before = this.sends();
    for (let time = 0; time < times; time += 1) this.#server.failNext("sendmessage", { ret: -2 });
    return () => Math.min(times, this.sends() - before);
  };

  sends(): number {
    return this.#server.callsOf("sendmessage").length;
  }

  complaints(): readonly string[] {
    return this.#server.faults;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** A new person opens our page in a browser of their own and scans its code. */
  async #signIn(): Promise<IlinkPerson> {
    const server = this.#server;
    const count = server.codes.length;
    const remoteAddress = `192.0.2.${this.#people.length + 1}`;
    const closing = new AbortController().signal;
    await this.#page?.handle(new Request("http://localhost/wechat"), { remoteAddress, closing });
    await until(() => server.codes.length > count);
    const code = server.codes.at(-1);
    if (code === undefined) throw new Error("there is no code to scan");
    const person = server.addPerson(`person${this.#people.length + 1}`);
    this.#people.push(person);
    code.scan();
    server.confirm(code, person);
    await until(() => server.pollsOf(person) === 1);
    return person;
  }
}
