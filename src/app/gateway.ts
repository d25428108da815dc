import type { Config } from "../config.ts";
import { AdminAccess } from "../core/admin/admin-access.ts";
import type { SendNotices } from "../core/admin/send-notices.ts";
import type { ChatAdapter, ChatHandlers } from "../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../core/chat/chat-address.ts";
import { type ChatConnection, ChatConnections } from "../core/chat/chat-connections.ts";
import { EditBudget } from "../core/chat/edit-budget.ts";
import type { WebRoute } from "../core/chat/web-route.ts";
import type { Clock } from "../core/clock.ts";
import { HandleAction } from "../core/handle-action.ts";
import { HandleMessage } from "../core/handle-message.ts";
import type { Logger } from "../core/log.ts";
import { NoteReachable } from "../core/note-reachable.ts";
import { MemoryRateLimiter } from "../core/quota/rate-limiter.ts";
import { ReadAnswerPage } from "../core/read-answer-page.ts";
import { ReadWebPanel } from "../core/read-web-panel.ts";
import type { BotKey } from "../core/reply-queue.ts";
import type { SecretKey } from "../store/secret-key.ts";
import { BotOwner } from "./bot-owner.ts";
import { type Chats, createChats } from "./create-chats.ts";
import { createCommands } from "./create-commands.ts";
import type { Core } from "./create-core.ts";
import type { Stores } from "./create-stores.ts";
import { LoginCodes } from "./login-codes.ts";

/** The browser's admin chat; its key is the right to use it. */
const WEB_ADMIN_CHAT = { platform: "web", id: "admin" } as const;

export interface GatewayParts {
  readonly config: Config;
  readonly core: Core;
  readonly stores: Stores;
  readonly secretKey: SecretKey;
  readonly notices: SendNotices;
  readonly deliverFor: (bot: BotKey) => void;
  /** Another process owns a bot of ours now. */
  readonly onLost: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The half of the program that talks to people: its bots, and what is done with what they hear. */
export class Gateway {
  readonly owners: readonly BotOwner[];
  readonly #parts: GatewayParts;
  readonly #chats: Chats;
  readonly #loginCodes: LoginCodes;
  readonly connections: ChatConnections;

  constructor(parts: GatewayParts) {
    const { config, core, clock } = parts;
    this.#parts = parts;
    this.#loginCodes = new LoginCodes({ ...parts, terminal: process.stdout });
    const { answerLinks, replies } = core;
    this.#chats = createChats(config, {
      ...parts,
      panel: new ReadWebPanel(core),
      answers: answerLinks && new ReadAnswerPage(answerLinks, replies),
    });
    this.connections = new ChatConnections(
      this.#chats.adapters.map((adapter) => {
        const { pace, callsPerSecondMax } = adapter.capabilities;
        return { sender: adapter, budget: new EditBudget(clock, pace, callsPerSecondMax) };
      }),
      (bot) => this.#owns(bot),
    );
    this.owners = this.#createOwners();
  }

  get routes(): readonly WebRoute[] {
    return this.#chats.routes;
  }

  get adminKey(): string {
    return this.#chats.adminKey;
  }

  /** What is wrong with a platform although it is configured, by name. */
  get problems(): Record<string, string> {
    return Object.fromEntries(
      this.#chats.adapters.flatMap(({ platform, problem }) =>
        problem === null ? [] : [[platform, problem]],
      ),
    );
  }

  /** Where news for admins goes: the browser's admin chat and the chats of `ADMIN_CHATS`. */
  listAdminChats(): ChatAddress[] {
    const chats = [WEB_ADMIN_CHAT, ...this.#parts.config.adminChats];
    return this.#chats.adapters.flatMap(({ platform, bot }) =>
      chats
        .filter((chat) => chat.platform === platform)
        .map(({ id }) => ({ platform, bot, channel: id, thread: null })),
    );
  }

  async start(): Promise<void> {
    const { core } = this.#parts;
    core.deliver.follow(core.feed);
    await Promise.all(this.owners.map((owner) => owner.start()));
  }

  /** Takes nothing new from people; what is under way can still be sent. */
  async stopListening(): Promise<void> {
    await Promise.all(this.owners.map((owner) => owner.stopListening()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.owners.map((owner) => owner.stop()));
  }

  #owns({ platform, bot }: BotKey): boolean {
    return this.owners.some(
      ({ adapter, state }) =>
        state === "owner" && adapter.platform === platform && adapter.bot === bot,
    );
  }

  #createOwners(): BotOwner[] {
    const { config, core, stores, clock, log, deliverFor, onLost } = this.#parts;
    const access = new AdminAccess([WEB_ADMIN_CHAT, ...config.adminChats], config.adminUsers);
    const handleMessage = new HandleMessage({
      ...core,
      access,
      commands: createCommands(core, () => this.connections, this.#chats.linkPictures),
      rateLimiter: new MemoryRateLimiter(clock),
    });
    const { accounts, replies, stopReplies } = core;
    const handleAction = new HandleAction(accounts, replies, stopReplies, handleMessage);
    return this.#chats.adapters.map(
      (adapter, index) =>
        new BotOwner({
          adapter,
          lock: stores.leaderLock,
          handlers: this.#handlersOf(adapter, this.#connection(index), handleMessage, handleAction),
          deliverFor,
          onLost,
          log,
        }),
    );
  }

  #handlersOf(
    adapter: ChatAdapter,
    connection: ChatConnection,
    handleMessage: HandleMessage,
    handleAction: HandleAction,
  ): ChatHandlers {
    const { core, stores } = this.#parts;
    const { platform, bot } = adapter;
    return {
      onMessage: (message) => {
        this.#loginCodes.heard(adapter.platform);
        return handleMessage.handle(message, connection);
      },
      onAction: (action) => handleAction.handle(action, connection),
      onReachable: (userId, isReachable) =>
        new NoteReachable(core.accounts, core.stopReplies).note(platform, bot, userId, isReachable),
      onChatMoved: (from, to) => stores.upkeep.moveChat(from, to),
      onLoginCode: (login) => this.#loginCodes.tell(adapter, login),
    };
  }

  #connection(index: number): ChatConnection {
    const connection = this.connections.list()[index];
    if (connection === undefined) throw new Error("a bot without a connection");
    return connection;
  }
}
