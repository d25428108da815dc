import type { IncomingMessage } from "node:http";
import { badRequest } from "./bot-api-error.ts";
import type { PersonAtWork } from "./person-at-work.ts";
import { readAll } from "./request-body.ts";
import { shownMessages } from "./shown-message.ts";
import type { Fault, RecordedCall, ServerState } from "./state.ts";
import type { Person, StoredChat } from "./world.ts";

/** What can be driven: the server itself. */
export interface Controlled {
  readonly state: ServerState;
  readonly calls: readonly RecordedCall[];
  user(id: number, details?: Partial<Person>): PersonAtWork;
  group(id: number, details?: Partial<StoredChat>): StoredChat;
  upgradeGroup(id: number): number;
  fail(method: string, fault: Fault, times?: number): void;
}

type Command = (server: Controlled, body: Body) => unknown;

/** All fields of all commands; which one needs which, `COMMANDS` says. */
interface Body {
  readonly user: number;
  readonly chat: number;
  readonly thread?: number;
  readonly text: string;
  readonly replyTo?: number;
  readonly message: number;
  readonly button: string;
  readonly kind: string;
  readonly name?: string;
  readonly mediaType?: string;
  /** Bytes in base64. */
  readonly content: string;
  readonly contents: readonly string[];
  readonly caption?: string;
  readonly method: string;
  readonly times?: number;
  readonly fault: Fault;
  readonly details?: Record<string, unknown>;
  readonly settings: Record<string, boolean>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  user: (server, { user, details }) => server.user(user, details).id,
  group: (server, { chat, details = {} }) => {
    const topics = new Set((details.topics ?? []) as number[]);
    return server.group(chat, { ...details, topics }).id;
  },
  writes: (server, body) => server.user(body.user).writes(body.text, body),
  photo: (server, body) =>
    server.user(body.user).sendsPhoto([bytes(body.content)], body.caption, body),
  album: (server, body) =>
    server.user(body.user).sendsAlbum(body.contents.map(bytes), body.caption, body),
  media: (server, body) => {
    const { user, kind, caption, content, name, mediaType } = body;
    const file = {
      content: bytes(content),
      ...(name !== undefined && { name }),
      ...(mediaType !== undefined && { mediaType }),
    };
    return server.user(user).sendsMedia(kind, file, caption, body);
  },
  edits: (server, body) => server.user(body.user).edits(body.message, body.text, body),
  presses: async (server, body) =>
    await server.user(body.user).presses(body.message, body.button, body).answered,
  blocks: (server, { user }) => server.user(user).blocks(),
  unblocks: (server, { user }) => server.user(user).unblocks(),
  deactivates: (server, { user }) => server.user(user).deletesAccount(),
  upgrade: (server, { chat }) => server.upgradeGroup(chat),
  fail: (server, { method, fault, times }) => server.fail(method, fault, times),
  settings: (server, { settings }) => Object.assign(server.state.settings, settings),
};

/**
 * Drives the server from another process: `POST /_test/<command>` with a JSON object, answered
 * by `{"result": …}` (`presses` answers when the bot has), and `GET /_test/state`.
 */
export async function handleControl(
  server: Controlled,
  request: IncomingMessage,
  url: URL,
): Promise<unknown> {
  const name = url.pathname.slice("/_test/".length);
  if (request.method === "GET" && name === "state") return describeState(server);
  const command = COMMANDS[name];
  if (request.method !== "POST" || command === undefined) {
    throw badRequest(`there is no command ${name}`);
  }
  const body: Body = JSON.parse((await readAll(request)).toString("utf8") || "{}");
  return { result: (await command(server, body)) ?? null };
}

function describeState({ state, calls }: Controlled): unknown {
  const { world, queue, webhook, commands, chatActions } = state;
  return {
    chats: Array.from(world.chats.values(), (chat) => ({
      id: chat.id,
      type: chat.type,
      messages: shownMessages(world, chat),
    })),
    calls,
    pendingUpdates: queue.pending.length,
    webhook: webhook.info(),
    commands: Object.fromEntries(commands),
    chatActions,
  };
}

function bytes(base64: string): Uint8Array {
  return Buffer.from(base64, "base64");
}
