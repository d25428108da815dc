import type { BotSeat, SeatHandlers } from "../../../src/adapters/wechat/bot-source.ts";
import { IlinkBotSource } from "../../../src/adapters/wechat/ilink/ilink-bot-source.ts";
import { SecretBox } from "../../../src/core/upstream/secret-box.ts";
import { MemoryAdapterMemory } from "../memory-adapter-memory.ts";
import { RecordedLog } from "../recorded-log.ts";
import { ConnectedWechat, until } from "./connected-wechat.ts";
import { FastClock } from "./ilink-clock.ts";
import type { IlinkLoginCode } from "./ilink-logins.ts";
import type { IlinkPerson } from "./ilink-person.ts";
import { IlinkServer, type IlinkServerOptions } from "./ilink-server.ts";

/** What a source told, by a program that takes everything and does nothing. */
export class RecordedSeats implements SeatHandlers {
  readonly seats = new Map<string, BotSeat>();
  readonly gone: string[] = [];
  readonly codes: string[] = [];

  onSeat(seat: BotSeat): void {
    this.seats.set(seat.name, seat);
  }

  async onSeatGone(name: string): Promise<void> {
    this.seats.delete(name);
    this.gone.push(name);
  }

  async onLoginCode(code: string): Promise<void> {
    this.codes.push(code);
  }
}

/** iLink, and what our program remembers of it: both outlive the sources that a test makes. */
export class IlinkWorld {
  readonly clock = new FastClock();
  readonly memory = new MemoryAdapterMemory();
  readonly log = new RecordedLog();
  readonly box = new SecretBox("a secret key of this test");
  readonly server: IlinkServer;
  #source: IlinkBotSource | null = null;
  readonly #endings: (() => Promise<void>)[] = [];

  private constructor(server: IlinkServer) {
    this.server = server;
  }

  static async start(options: IlinkServerOptions = {}): Promise<IlinkWorld> {
    let nowMs = () => Date.now();
    const server = await IlinkServer.start({ now: () => nowMs(), ...options });
    const world = new IlinkWorld(server);
    nowMs = () => world.clock.now().getTime();
    return world;
  }

  /** Ends what was connected, the newest first, and then iLink. */
  async stop(): Promise<void> {
    for (const end of this.#endings.splice(0).reverse()) await end();
    await this.server.stop();
  }

  /** The newest source. */
  get source(): IlinkBotSource {
    return this.#source ?? this.createSource();
  }

  createSource(): IlinkBotSource {
    const { clock, memory, log, box, server } = this;
    const parts = { baseUrl: server.url, memory, box, clock, log, isSecure: false };
    this.#source = new IlinkBotSource(parts);
    return this.#source;
  }

  /** A source alone. */
  async startSource(handlers: SeatHandlers = new RecordedSeats()): Promise<IlinkBotSource> {
    const source = this.createSource();
    this.#endings.push(() => source.stop());
    await source.start(handlers);
    return source;
  }

  /** A source with the adapter on it, through the real wechaty. */
  async connect(): Promise<ConnectedWechat & { readonly end: () => Promise<void> }> {
    const source = this.createSource();
    const wechat = new ConnectedWechat(source);
    let ended: Promise<void> | null = null;
    const end = () => {
      ended ??= wechat.adapter.stop();
      return ended;
    };
    this.#endings.push(end);
    await wechat.start();
    return Object.assign(wechat, { end });
  }

  /** The code that was made after `count` others, once there is one. */
  async code(count = 0): Promise<IlinkLoginCode> {
    await until(() => this.server.codes.length > count);
    const code = this.server.codes[count];
    if (code === undefined) throw new Error("unreachable");
    return code;
  }

  /** A person scans the newest code and confirms; resolves when their bot is polled. */
  async signIn(name: string): Promise<IlinkPerson> {
    const code = await this.code();
    const newest = this.server.codes.at(-1) ?? code;
    const person =
      this.server.people.find(({ id }) => id === `${name}@im.wechat`) ??
      this.server.addPerson(name);
    newest.scan();
    this.server.confirm(newest, person);
    await this.polled(person);
    return person;
  }

  async polled(person: IlinkPerson): Promise<void> {
    await until(() => this.server.pollsOf(person) === 1);
  }
}
