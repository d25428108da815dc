import { WechatAdapter } from "../../../src/adapters/wechat/wechat-adapter.ts";
import { LabSource, until } from "../../fakes/wechat/connected-wechat.ts";
import { FastClock } from "../../fakes/wechat/ilink-clock.ts";
import type { HeardMessage, LabMessage, LabPuppet } from "../../fakes/wechat/lab-puppet.ts";
import type { AdapterParts, ChatWorld, ConnectedAdapter, WorldPerson } from "./chat-world.ts";

const SPEED = 10;

/** An account in personal WeChat that is operated from outside, by wechaty and its lab puppet. */
export class WechatAccountWorld implements ChatWorld {
  readonly clock = new FastClock();
  readonly pieceMax = { characters: 2_000, bytes: Number.POSITIVE_INFINITY };
  readonly blockedAs = "chat_gone";
  readonly repeats = false;
  readonly keepsOrder = true;
  readonly asides = [];
  #source = new LabSource();
  readonly #people: string[] = [];
  /** What people were sent, whatever puppet did it. */
  readonly #sent: LabMessage[] = [];
  readonly #refusing = new Set<string>();
  #floodLeft = 0;
  #sends = 0;

  private constructor() {
    this.clock.slowDown(SPEED);
  }

  static async open(): Promise<WechatAccountWorld> {
    return new WechatAccountWorld();
  }

  async connect({ inbox, log }: AdapterParts): Promise<ConnectedAdapter> {
    const source = new LabSource();
    source.onPuppet = (puppet) => this.#prepare(puppet);
    this.#source = source;
    const adapter = new WechatAdapter({
      ...{ source, friends: "all", acceptsRoomInvitations: false, loginPage: "/wechat" },
      texts: { transferAnswer: () => "Please use a card." },
      ...{ inbox, clock: this.clock, log },
    });
    const ready = () => until(() => source.puppets.at(-1)?.isLoggedIn === true);
    return { adapter, ready, end: async () => {} };
  }

  async newPerson(): Promise<WorldPerson> {
    const id = `person-${this.#people.length + 1}`;
    this.#people.push(id);
    this.#source.puppet.addPerson(id, id);
    const hear = (message: HeardMessage) => this.#source.puppet.hear(message);
    const writes = async (text: string) => {
      const messageId = hear({ from: id, text });
      return { again: async () => void hear({ from: id, text, id: messageId }) };
    };
    return {
      channel: id,
      writes,
      commands: async (text) => void (await writes(text)),
      seen: async () => this.#sent.filter(({ to }) => to === id).map(({ text }) => text),
      pressesStop: () => Promise.reject(new Error("there are no buttons")),
      blocks: async () => void this.#refusing.add(id),
    };
  }

  flood = (times: number) => {
    this.#floodLeft = times;
    return () => times - Math.max(0, this.#floodLeft);
  };

  sends(): number {
    return this.#sends;
  }

  complaints(): readonly string[] {
    return [];
  }

  async stop(): Promise<void> {}

  #prepare(puppet: LabPuppet): void {
    for (const id of this.#people) puppet.addPerson(id, id);
    puppet.onSent = (message) => void this.#sent.push(message);
    const send = puppet.messageSendText.bind(puppet);
    puppet.messageSendText = async (to, text, mentions) => {
      this.#sends += 1;
      if (this.#refusing.has(to)) throw new Error("the receiver is not a friend");
      this.#floodLeft -= 1;
      if (this.#floodLeft >= 0) throw new Error("操作过于频繁");
      return send(to, text, mentions);
    };
  }
}
