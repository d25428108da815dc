import { ChannelType } from "discord.js";
import { DigitalDiscord, generateSnowflake } from "discord-digital-twin";
import {
  DiscordAdapter,
  type DiscordAdapterOptions,
} from "../../../src/adapters/discord/discord-adapter.ts";
import type { ChatHandlers, OutgoingMessage } from "../../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../../src/core/chat/chat-address.ts";
import type { IncomingAction, IncomingMessage } from "../../../src/core/chat/incoming-message.ts";
import { DiscordFront, type FrontCall, type FrontOptions } from "../discord-front.ts";
import { MemoryInbox } from "../memory-inbox.ts";
import { RecordedLog } from "../recorded-log.ts";
import { readableMessage } from "./gateway-session.ts";
import { MovableClock } from "./movable-clock.ts";
import { StrictGateway } from "./strict-gateway.ts";

interface Broadcaster {
  broadcast(event: string, data: unknown): void;
}

/** What the adapter told the core, and what the core answers. */
export class RecordedCore implements ChatHandlers {
  readonly messages: IncomingMessage[] = [];
  readonly actions: IncomingAction[] = [];
  readonly reachable: { readonly userId: string; readonly isReachable: boolean }[] = [];
  /** What a button press answers. */
  notice: string | null = null;
  /** What is done with a message. */
  answer: (message: IncomingMessage) => Promise<void> = async () => {};

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  async onMessage(message: IncomingMessage): Promise<void> {
    this.messages.push(message);
    await this.answer(message);
  }

  async onAction(action: IncomingAction): Promise<string | null> {
    this.actions.push(action);
    return this.notice;
  }

  async onReachable(userId: string, isReachable: boolean): Promise<void> {
    this.reachable.push({ userId, isReachable });
  }

  async onChatMoved(): Promise<void> {}

  async onLoginCode(): Promise<void> {}
}

/** A small Discord: one server with a few channels, two people, a bot, and the strict front. */
export class DiscordWorld implements AsyncDisposable {
  readonly twin: DigitalDiscord;
  readonly clock = new MovableClock();
  readonly ann = generateSnowflake();
  readonly bob = generateSnowflake();
  readonly botId = generateSnowflake();
  readonly guildId = generateSnowflake();
  readonly channel = generateSnowflake();
  readonly otherChannel = generateSnowflake();
  readonly token = `${Buffer.from(this.botId).toString("base64url")}.tests.secret`;
  readonly #directChannels = new Map<string, string>();
  #front: DiscordFront | null = null;
  #gateway: StrictGateway | null = null;

  private constructor() {
    this.twin = new DigitalDiscord({
      botToken: this.token,
      botUser: { id: this.botId, username: "dianka" },
      guild: {
        id: this.guildId,
        name: "A server",
        channels: [
          { id: this.channel, name: "general", type: ChannelType.GuildText },
          { id: this.otherChannel, name: "other", type: ChannelType.GuildText },
        ],
      },
      users: [
        { id: this.ann, username: "Ann" },
        { id: this.bob, username: "Bob" },
      ],
    });
  }

  static async start(options: Pick<FrontOptions, "bucketWindowMs"> = {}): Promise<DiscordWorld> {
    const world = new DiscordWorld();
    await world.twin.start();
    const { token, botId, guildId } = world;
    const gateway = await StrictGateway.start({ token, botId, guildId });
    world.#gateway = gateway;
    // What happens at the twin is told by the strict gateway alone.
    const { server } = world.twin as unknown as { server: { gateway: Broadcaster } };
    server.gateway.broadcast = (event, data) => gateway.broadcast(event, data);
    world.#front = await DiscordFront.start({
      target: world.twin.restUrl,
      token: world.token,
      openDirectChannel: (userId) => world.directChannel(userId),
      describeGateway: () => gateway.description,
      readable: (message) => readableMessage(message, world.botId, gateway.grantsContent),
      now: () => world.clock.now().getTime(),
      ...options,
    });
    return world;
  }

  get front(): DiscordFront {
    if (this.#front === null) throw new Error("not started");
    return this.#front;
  }

  get gateway(): StrictGateway {
    if (this.#gateway === null) throw new Error("not started");
    return this.#gateway;
  }

  /** The channel in which this person and the bot write to each other. */
  async directChannel(userId: string): Promise<string> {
    const known = this.#directChannels.get(userId);
    if (known !== undefined) return known;
    const id = generateSnowflake();
    this.#directChannels.set(userId, id);
    await this.twin.prisma.channel.create({ data: { id, type: ChannelType.DM } });
    return id;
  }

  /** A further text channel of the server. */
  async newChannel(): Promise<string> {
    const id = generateSnowflake();
    const { guildId } = this;
    await this.twin.prisma.channel.create({ data: { id, type: ChannelType.GuildText, guildId } });
    return id;
  }

  /** A slash command that Ann types; the twin itself knows none in direct messages. */
  async command(
    text: string,
    where: { readonly channel?: string; readonly isDirect?: boolean; readonly user?: string } = {},
  ): Promise<string> {
    const [, name = "", value] = /^\/(\S+)\s*(.*)$/.exec(text) ?? [];
    const user = where.user ?? this.ann;
    const options = value === "" ? [] : [{ type: 3, name: "input", value }];
    if (where.isDirect !== true) {
      const scope = this.twin.channel(where.channel ?? this.channel).user(user);
      return (await scope.runSlashCommand({ name, options: options as never })).id;
    }
    const id = generateSnowflake();
    const token = `test-interaction-token-${id}`;
    const channelId = await this.directChannel(user);
    await this.twin.prisma.interactionResponse.create({
      data: {
        ...{ interactionId: id, interactionToken: token, applicationId: this.botId, channelId },
        ...{ type: 0, acknowledged: false },
      },
    });
    this.gateway.broadcast("INTERACTION_CREATE", {
      ...{ id, token, application_id: this.botId, type: 2, version: 1, entitlements: [] },
      ...{ channel_id: channelId, locale: "zh-CN", user: { id: user, username: "Ann" } },
      data: { id: "1", name, type: 1, options },
    });
    return id;
  }

  /** What stands in a channel, from the oldest to the newest message. */
  async texts(channel: string): Promise<string[]> {
    const messages = await this.twin.channel(channel).getMessages();
    return messages.map(({ content }) => content);
  }

  /** How an interaction was answered at first. */
  callbacksOf(interactionId: string): FrontCall[] {
    return this.front.callsOf("POST", new RegExp(`^/interactions/${interactionId}/`));
  }

  /** What came by an interaction's own way after that. */
  webhookCallsOf(interactionId: string): FrontCall[] {
    return this.front.calls.filter(
      ({ path }) => path.startsWith("/webhooks/") && path.includes(interactionId),
    );
  }

  /** Messages sent to channels the normal way. */
  sends(): FrontCall[] {
    return this.front.callsOf("POST", /^\/channels\/\d+\/messages$/);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.front.stop();
    await this.gateway.stop();
    await this.twin.stop();
    await this.twin.prisma.$disconnect();
  }
}

/** An adapter at that Discord. */
export class ConnectedDiscord implements AsyncDisposable {
  readonly world: DiscordWorld;
  readonly adapter: DiscordAdapter;
  readonly core = new RecordedCore();
  readonly log = new RecordedLog();
  readonly inbox: MemoryInbox;

  constructor(
    world: DiscordWorld,
    options: Partial<DiscordAdapterOptions> & { readonly inbox?: MemoryInbox } = {},
  ) {
    this.world = world;
    this.inbox = options.inbox ?? new MemoryInbox();
    this.adapter = new DiscordAdapter({
      token: world.token,
      apiUrl: world.front.url,
      guildId: null,
      shards: null,
      clock: world.clock,
      log: this.log,
      commandMenu: { people: {}, admins: {}, adminChats: [] },
      ...options,
      inbox: this.inbox,
    });
  }

  static async start(
    world: DiscordWorld,
    options: ConstructorParameters<typeof ConnectedDiscord>[1] = {},
  ): Promise<ConnectedDiscord> {
    const discord = new ConnectedDiscord(world, options);
    await discord.adapter.start(discord.core);
    return discord;
  }

  address(channel: string, thread: string | null = null): ChatAddress {
    return { platform: "discord", bot: this.world.botId, channel, thread };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.adapter.stop();
  }
}

/** A message of ours, plain unless said otherwise. */
export function outgoing(text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { text, format: "plain", buttons: [], replyTo: null, ...more };
}
