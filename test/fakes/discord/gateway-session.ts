import { randomUUID } from "node:crypto";

// https://docs.discord.com/developers/events/gateway#gateway-intents
const GUILDS = 1 << 0;
const GUILD_MESSAGES = 1 << 9;
const DIRECT_MESSAGES = 1 << 12;
export const MESSAGE_CONTENT = 1 << 15;

/** What the gateway tells, before it has a number. */
export interface GatewayEvent {
  readonly name: string;
  readonly data: unknown;
}

export interface NumberedEvent extends GatewayEvent {
  readonly sequence: number;
}

/** One session of one shard. It outlives its connection, and remembers what it told. */
export class GatewaySession {
  readonly id = randomUUID();
  readonly shard: number;
  readonly shardCount: number;
  readonly intents: number;
  readonly #botId: string;
  readonly #events: NumberedEvent[] = [];

  constructor(botId: string, shard: number, shardCount: number, intents: number) {
    this.#botId = botId;
    this.shard = shard;
    this.shardCount = shardCount;
    this.intents = intents;
  }

  get sequence(): number {
    return this.#events.length;
  }

  /** What was told after that, also while nobody was connected. */
  eventsAfter(sequence: number): readonly NumberedEvent[] {
    return this.#events.slice(sequence);
  }

  append(name: string, data: unknown): NumberedEvent {
    const event = { name, data, sequence: this.#events.length + 1 };
    this.#events.push(event);
    return event;
  }

  /** The event as this session gets it; `null` when it belongs to another shard or no intent asks for it. */
  take({ name, data }: GatewayEvent): NumberedEvent | null {
    const guildId = guildOf(data);
    if (shardOf(guildId, this.shardCount) !== this.shard) return null;
    if ((this.intents & intentOf(name, guildId)) === 0 && intentOf(name, guildId) !== 0)
      return null;
    if (!name.startsWith("MESSAGE_") || guildId === null) return this.append(name, data);
    const mayRead = (this.intents & MESSAGE_CONTENT) !== 0;
    return this.append(name, readableMessage(data, this.#botId, mayRead));
  }
}

// https://docs.discord.com/developers/events/gateway#sharding
export function shardOf(guildId: string | null, shardCount: number): number {
  return guildId === null ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}

/**
 * A message in a server as a bot may see it: without the content intent only what mentions it and
 * what it wrote itself. The twin leaves the list of mentions empty; Discord does not.
 * https://docs.discord.com/developers/events/gateway#message-content-intent
 */
export function readableMessage(data: unknown, botId: string, mayRead: boolean): unknown {
  const message = data as {
    readonly content?: string;
    readonly mentions?: readonly { readonly id: string }[];
    readonly author?: { readonly id: string };
  };
  const named = [...(message.content ?? "").matchAll(/<@!?(\d+)>/g)].map(([, id]) => ({
    ...{ id: id ?? "", username: "someone", discriminator: "0", avatar: null },
  }));
  const mentions = message.mentions?.length ? message.mentions : named;
  const whole = { ...message, mentions };
  const isOurs = message.author?.id === botId || mentions.some(({ id }) => id === botId);
  if (mayRead || isOurs) return whole;
  return { ...whole, content: "", embeds: [], attachments: [], components: [] };
}

function guildOf(data: unknown): string | null {
  const { guild_id: guild } = (data ?? {}) as { readonly guild_id?: unknown };
  return typeof guild === "string" && guild !== "" ? guild : null;
}

/** Zero: it comes without any. */
function intentOf(name: string, guildId: string | null): number {
  if (/^MESSAGE_(CREATE|UPDATE|DELETE)/.test(name)) {
    return guildId === null ? DIRECT_MESSAGES : GUILD_MESSAGES;
  }
  return /^(GUILD|CHANNEL|THREAD)_/.test(name) ? GUILDS : 0;
}
