import { generateSnowflake } from "discord-digital-twin";
import { DiscordAdapter } from "../../../src/adapters/discord/discord-adapter.ts";
import { DiscordWorld } from "../../fakes/discord/connected-discord.ts";
import { FastClock } from "../../fakes/wechat/ilink-clock.ts";
import type { AdapterParts, ChatWorld, ConnectedAdapter, WorldPerson } from "./chat-world.ts";

/** The client library heeds the limits in real time, so they are as much shorter. */
const SPEED = 10;
const BUCKET_WINDOW_MS = 5_000;
const STOP = /"(stop:[^"]+)"/;
const SEND = /^\/channels\/\d+\/messages$/;

interface Press {
  readonly message: unknown;
  readonly data: { readonly custom_id: string };
}

const isRefused = ({ status }: { readonly status: number }) => status === 429;

/** Discord in private chats. */
export class DiscordContractWorld implements ChatWorld {
  readonly clock: FastClock;
  /** https://docs.discord.com/developers/resources/message#create-message */
  readonly pieceMax = { characters: 2_000, bytes: Number.POSITIVE_INFINITY };
  readonly blockedAs = "chat_gone";
  readonly repeats = false;
  readonly keepsOrder = true;
  readonly asides = [];
  readonly #discord: DiscordWorld;
  /** What the gateway told of each message. */
  readonly #created = new Map<string, unknown>();

  private constructor(discord: DiscordWorld) {
    this.clock = new FastClock();
    this.clock.slowDown(SPEED);
    this.#discord = discord;
    const { gateway } = discord;
    const broadcast = gateway.broadcast.bind(gateway);
    gateway.broadcast = (event, data) => {
      const { id } = data as { readonly id?: string };
      if (event === "MESSAGE_CREATE" && id !== undefined) this.#created.set(id, data);
      broadcast(event, data);
    };
  }

  static async open(): Promise<DiscordContractWorld> {
    return new DiscordContractWorld(
      await DiscordWorld.start({ bucketWindowMs: BUCKET_WINDOW_MS / SPEED }),
    );
  }

  async connect({ inbox, log }: AdapterParts): Promise<ConnectedAdapter> {
    const adapter = new DiscordAdapter({
      ...{ token: this.#discord.token, apiUrl: this.#discord.front.url, guildId: null },
      ...{ shards: null, inbox, clock: this.clock, log },
      commandMenu: { people: {}, admins: {}, adminChats: [] },
    });
    return { adapter, ready: async () => {}, end: async () => {} };
  }

  async newPerson(): Promise<WorldPerson> {
    const discord = this.#discord;
    const user = generateSnowflake();
    await discord.twin.prisma.user.create({ data: { id: user, username: `p${user}` } });
    const channel = await this.#openChannel(user);
    const scope = discord.twin.channel(channel);
    const bots = async () =>
      (await scope.getMessages()).filter(({ author }) => author.id === discord.botId);
    return {
      channel,
      writes: async (content) => {
        const { id } = await scope.user(user).sendMessage({ content });
        const again = async () =>
          discord.gateway.broadcast("MESSAGE_CREATE", this.#created.get(id));
        return { again };
      },
      commands: async (text) => void (await discord.command(text, { isDirect: true, user })),
      seen: async () => (await bots()).map(({ content }) => content),
      pressesStop: async () => {
        const message = (await bots()).find((shown) => STOP.test(JSON.stringify(shown.components)));
        const [, customId] = STOP.exec(JSON.stringify(message?.components)) ?? [];
        if (customId === undefined) throw new Error("there is no button that stops");
        await this.#press(user, channel, { message, data: { custom_id: customId } });
      },
      blocks: async () => {
        discord.front.blocksDirectMessages = true;
      },
    };
  }

  /** As the bot opens it to write first: from then on its person may close it. */
  async #openChannel(user: string): Promise<string> {
    const { front, token } = this.#discord;
    front.blocksDirectMessages = false;
    const response = await fetch(`${front.url}/v10/users/@me/channels`, {
      method: "POST",
      headers: { authorization: `Bot ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ recipient_id: user }),
    });
    return ((await response.json()) as { readonly id: string }).id;
  }

  /** The twin itself knows no presses in private chats. */
  async #press(user: string, channelId: string, { message, data }: Press): Promise<void> {
    const { twin, gateway, botId: applicationId } = this.#discord;
    const id = generateSnowflake();
    const token = `test-interaction-token-${id}`;
    const interaction = { interactionId: id, interactionToken: token, applicationId, channelId };
    await twin.prisma.interactionResponse.create({
      data: { ...interaction, type: 0, acknowledged: false },
    });
    gateway.broadcast("INTERACTION_CREATE", {
      ...{ id, token, application_id: applicationId, type: 3, version: 1, entitlements: [] },
      ...{ channel_id: channelId, locale: "en-US", user: { id: user, username: "Ann" }, message },
      data: { ...data, component_type: 2 },
    });
  }

  flood = (times: number) => {
    const { front } = this.#discord;
    const countRefused = () => front.callsOf("POST", SEND).filter(isRefused).length;
    const before = countRefused();
    front.failNext("POST", SEND, { retryAfterSeconds: 0.1 }, times);
    return () => countRefused() - before;
  };

  sends(): number {
    return this.#discord.front.callsOf("POST", SEND).length;
  }

  complaints(): readonly string[] {
    return [];
  }

  async stop(): Promise<void> {
    await this.#discord[Symbol.asyncDispose]();
  }
}
