import { setTimeout as pause } from "node:timers/promises";
import { createCommands } from "../../../src/app/create-commands.ts";
import { type Core, createCore } from "../../../src/app/create-core.ts";
import { createStores, type Stores } from "../../../src/app/create-stores.ts";
import type { Config } from "../../../src/config.ts";
import { AdminAccess } from "../../../src/core/admin/admin-access.ts";
import { RuntimeSettings } from "../../../src/core/admin/runtime-settings.ts";
import { SendNotices } from "../../../src/core/admin/send-notices.ts";
import type { ChatAdapter, ChatHandlers } from "../../../src/core/chat/chat-adapter.ts";
import { type ChatConnection, ChatConnections } from "../../../src/core/chat/chat-connections.ts";
import { EditBudget } from "../../../src/core/chat/edit-budget.ts";
import type { IncomingMessage } from "../../../src/core/chat/incoming-message.ts";
import { HandleAction } from "../../../src/core/handle-action.ts";
import { HandleMessage } from "../../../src/core/handle-message.ts";
import { NoteReachable } from "../../../src/core/note-reachable.ts";
import { MemoryRateLimiter } from "../../../src/core/quota/rate-limiter.ts";
import type { UpstreamPool } from "../../../src/core/upstream/upstream-pool.ts";
import { Metrics } from "../../../src/metrics.ts";
import { PgAdapterMemory } from "../../../src/store/pg-adapter-memory.ts";
import { SecretKey } from "../../../src/store/secret-key.ts";
import { LocalReplyFeed } from "../../../src/workers/local-reply-feed.ts";
import { RecordedLog } from "../../fakes/recorded-log.ts";
import { emptyDatabase, type TestDatabase } from "../../fakes/test-database.ts";
import type { ChatWorld, ConnectedAdapter, WorldPerson } from "./chat-world.ts";
import { contractConfig } from "./contract-config.ts";
import { ProgramQueue } from "./program-queue.ts";
import { ScriptedModel } from "./scripted-model.ts";

const WAIT_MS = 30_000;
const POLL_MS = 10;
const ROUNDS_MAX = 60;

/** One answer as the database has it. */
export interface KeptReply {
  readonly id: string;
  readonly locale: string;
  readonly isEnded: boolean;
  readonly isDelivered: boolean;
  readonly isParked: boolean;
  /** The id of a message that shows it is kept. */
  readonly isShown: boolean;
}

interface RunningGateway {
  readonly connected: ConnectedAdapter;
  readonly stopFollowing: () => void;
  readonly stopDispatching: () => void;
}

/**
 * The program around one adapter: the real core, the real stores on a database of their own, a
 * worker that lives on when the gateway is started anew, and a model that does as it is told.
 */
export class ContractProgram implements AsyncDisposable {
  readonly world: ChatWorld;
  readonly model = new ScriptedModel();
  readonly log = new RecordedLog();
  readonly queue: ProgramQueue;
  /** What the adapter told, of all times. */
  readonly heard: IncomingMessage[] = [];
  readonly #database: TestDatabase;
  readonly #stores: Stores;
  readonly #feed = new LocalReplyFeed(this.log);
  readonly #config: Config;
  #gateway: RunningGateway | null = null;

  private constructor(world: ChatWorld, database: TestDatabase) {
    this.world = world;
    this.#database = database;
    this.#stores = createStores(database.url, world.clock, this.log);
    this.queue = new ProgramQueue(world.clock);
    this.#config = contractConfig();
    this.queue.generateWith(this.#createCore(() => new ChatConnections([], () => false)).generate);
  }

  static async start(openWorld: () => Promise<ChatWorld>): Promise<ContractProgram> {
    const database = await emptyDatabase();
    const program = new ContractProgram(await openWorld(), database);
    await program.#startGateway();
    return program;
  }

  get adapter(): ChatAdapter {
    if (this.#gateway === null) throw new Error("the gateway is not running");
    return this.#gateway.connected.adapter;
  }

  /** The gateway ends as it does at a deployment, and the next one starts. */
  async restart(): Promise<void> {
    await this.#stopGateway();
    await this.#startGateway();
  }

  async repliesTo({ channel }: WorldPerson): Promise<KeptReply[]> {
    const { rows } = await this.#stores.pool.query<KeptReply>(
      `SELECT id, locale, state NOT IN ('queued', 'writing') AS "isEnded",
              delivered_at IS NOT NULL AS "isDelivered", parked_at IS NOT NULL AS "isParked",
              EXISTS (SELECT FROM reply_message WHERE reply_id = reply.id) AS "isShown"
       FROM reply WHERE channel = $1 ORDER BY question_turn_id`,
      [channel],
    );
    return rows;
  }

  /** Reads everything there is: asks for more as long as the platform has more waiting. */
  async readAll(person: WorldPerson, count = 1): Promise<string[]> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      let isParked = false;
      await this.until(async () => {
        const replies = await this.repliesTo(person);
        isParked = replies.some((reply) => reply.isParked);
        const isDone = replies.every((reply) => reply.isDelivered || reply.isParked);
        return replies.length >= count && isDone;
      });
      if (!isParked) return this.answersSeen(person);
      const { delivered } = this.queue;
      await person.writes("more");
      await this.until(() => this.queue.delivered > delivered);
    }
    throw new Error("the answer has no end");
  }

  /** What the person sees, without what says that there is more to come. */
  async answersSeen(person: WorldPerson): Promise<string[]> {
    const { asides } = this.world;
    const texts = (await person.seen()).map((text) => text.replace(/\n*✂️[^\n]*\s*$/u, ""));
    return texts.filter((text) => !asides.includes(text));
  }

  async until(isTrue: () => Promise<boolean> | boolean): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; !(await isTrue()); await pause(POLL_MS)) {
      if (Date.now() > deadline) throw new Error(`it never came: ${this.#lastWarnings()}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopGateway();
    await this.world.stop();
    await this.#stores.stop();
    await this.#database[Symbol.asyncDispose]();
  }

  async #startGateway(): Promise<void> {
    const { inbox, webMessages, pool } = this.#stores;
    const connected = await this.world.connect({
      inbox,
      webMessages,
      memoryOf: (platform, bot) => new PgAdapterMemory(pool, platform, bot),
      log: this.log,
    });
    const { adapter } = connected;
    const { pace, callsPerSecondMax } = adapter.capabilities;
    const budget = new EditBudget(this.world.clock, pace, callsPerSecondMax);
    const connection: ChatConnection = { sender: adapter, budget };
    const connections = new ChatConnections([connection], () => true);
    const core = this.#createCore(() => connections);
    this.#gateway = {
      connected,
      stopFollowing: core.deliver.follow(this.#feed),
      stopDispatching: () => core.dispatcher.stop(),
    };
    await adapter.start(this.#createHandlers(core, connections, connection));
    await connected.ready();
    this.queue.deliverWith(core.deliver);
  }

  async #stopGateway(): Promise<void> {
    const gateway = this.#gateway;
    this.#gateway = null;
    if (gateway === null) return;
    gateway.stopDispatching();
    await gateway.connected.adapter.stopListening();
    await this.queue.stopDelivering();
    gateway.stopFollowing();
    await gateway.connected.adapter.stop();
    await gateway.connected.end();
  }

  #createCore(connections: () => ChatConnections): Core {
    const { clock } = this.world;
    const { accounts, notices, settings } = this.#stores;
    return createCore({
      config: this.#config,
      stores: this.#stores,
      secretKey: new SecretKey("a secret key that only these tests know"),
      queue: this.queue,
      feed: this.#feed,
      // Only what streams is used here; the rest of the pool serves commands of admins.
      pool: this.model as unknown as UpstreamPool,
      runtime: new RuntimeSettings(settings),
      notices: new SendNotices(accounts, notices, this.queue, () => [], this.log),
      connections,
      metrics: new Metrics(() => Promise.resolve(0)),
      clock,
      log: this.log,
    });
  }

  #createHandlers(
    core: Core,
    connections: ChatConnections,
    connection: ChatConnection,
  ): ChatHandlers {
    const { platform, bot } = connection.sender;
    const handleMessage = new HandleMessage({
      ...core,
      access: new AdminAccess([], []),
      commands: createCommands(core, () => connections),
      rateLimiter: new MemoryRateLimiter(this.world.clock),
    });
    const { accounts, replies, stopReplies } = core;
    const handleAction = new HandleAction(accounts, replies, stopReplies, handleMessage);
    return {
      onMessage: async (message) => {
        this.heard.push(message);
        await handleMessage.handle(message, connection);
      },
      onAction: (action) => handleAction.handle(action, connection),
      onReachable: (userId, isReachable) =>
        new NoteReachable(accounts, stopReplies).note(platform, bot, userId, isReachable),
      onChatMoved: (from, to) => this.#stores.upkeep.moveChat(from, to),
      onLoginCode: async () => {},
    };
  }

  #lastWarnings(): string {
    const lines = this.log.lines.filter(({ level }) => level === "warn" || level === "error");
    return JSON.stringify(lines.slice(-3), (_key, value: unknown) =>
      value instanceof Error ? `${value}` : typeof value === "bigint" ? String(value) : value,
    );
  }
}
