import { randomBytes } from "node:crypto";
import { SentMessage, UploadRequest } from "./ilink-check.ts";
import type { IlinkFiles } from "./ilink-files.ts";
import { bareNumber, type Uint64Ids } from "./ilink-json.ts";
import type { IlinkPerson } from "./ilink-person.ts";
import type { IlinkUpdates } from "./ilink-updates.ts";

/** A bot as the server knows it: whose it is, and with what it signs in. */
export interface IlinkBot {
  readonly person: IlinkPerson;
  readonly token: string;
  readonly updates: IlinkUpdates;
  readonly typingTicket: string;
}

export interface CallWorld {
  readonly ids: Uint64Ids;
  readonly files: IlinkFiles;
  readonly nowMs: () => number;
  readonly holdMs: number;
  /** What a correct client never does. */
  readonly faults: string[];
}

export interface IlinkCall {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly hangUp: AbortSignal;
}

type Answer = Readonly<Record<string, unknown>>;

const THROTTLED: Answer = { ret: -2, errmsg: "rate limited" };

/** What the server answers to the calls of a bot that is signed in. */
export async function answerCall(
  world: CallWorld,
  bot: IlinkBot,
  call: IlinkCall,
): Promise<Answer> {
  switch (call.name) {
    case "getupdates":
      return answerUpdates(world, bot, call);
    case "sendmessage":
      return answerSend(world, bot, call);
    case "getconfig":
      return answerConfig(world, bot, call);
    case "sendtyping":
      return answerTyping(world, bot, call);
    case "getuploadurl":
      return answerUpload(world, bot, call);
    case "msg/notifystart":
    case "msg/notifystop":
      return { ret: 0 };
    default:
      return refuse(world, `${call.name}: no such call`);
  }
}

async function answerUpdates(
  world: CallWorld,
  { updates }: IlinkBot,
  { body, hangUp }: IlinkCall,
): Promise<Answer> {
  const position = updates.position(String(body.get_updates_buf ?? "none"));
  if (position === null) return refuse(world, "getupdates: a cursor of no answer of ours");
  if (updates.waiting > 0) {
    // The last poll wins: the one before is answered with nothing.
    updates.wake();
    world.faults.push("getupdates: two polls at once");
  }
  if (!updates.hasAfter(position)) await updates.wait(world.holdMs, hangUp);
  const { messages, cursor } = updates.read(position);
  return {
    ret: 0,
    msgs: messages,
    get_updates_buf: cursor,
    longpolling_timeout_ms: world.holdMs,
  };
}

function answerSend(world: CallWorld, { person }: IlinkBot, { body }: IlinkCall): Answer {
  const parsed = SentMessage.safeParse(body);
  if (!parsed.success) {
    const paths = parsed.error.issues.map(({ path }) => path.join("."));
    return refuse(world, `sendmessage: wrong ${paths.join(", ")}`);
  }
  const { msg } = parsed.data;
  if (msg.to_user_id !== person.id) return refuse(world, "sendmessage: not the bot's person");
  if (msg.context_token !== person.contextToken) {
    return refuse(world, "sendmessage: not the last context_token");
  }
  if (person.clientIds.has(msg.client_id)) return refuse(world, "sendmessage: client_id again");
  person.clientIds.add(msg.client_id);
  if (!person.maySend(world.nowMs())) return THROTTLED;
  const id = world.ids.next();
  const [item] = msg.item_list;
  if (item?.type === 1) {
    person.screen.push({ id, text: item.text_item.text, file: null, atMs: world.nowMs() });
  }
  if (item?.type === 4) {
    const { media, file_name: name } = item.file_item;
    const content = world.files.open(media.encrypt_query_param, media.aes_key);
    if (content === null) return refuse(world, "sendmessage: a file that was never uploaded");
    person.screen.push({ id, text: "", file: { name, content }, atMs: world.nowMs() });
  }
  return { ret: 0, message_id: bareNumber(id) };
}

function answerConfig(world: CallWorld, bot: IlinkBot, { body }: IlinkCall): Answer {
  const isTheirs = body.ilink_user_id === bot.person.id;
  if (!isTheirs) return refuse(world, "getconfig: not the bot's person");
  if (body.context_token !== bot.person.contextToken) {
    return refuse(world, "getconfig: not the last context_token");
  }
  return { ret: 0, typing_ticket: bot.typingTicket };
}

function answerTyping(world: CallWorld, bot: IlinkBot, { body }: IlinkCall): Answer {
  const isRight =
    body.ilink_user_id === bot.person.id &&
    body.typing_ticket === bot.typingTicket &&
    (body.status === 1 || body.status === 2);
  if (!isRight) return refuse(world, "sendtyping: wrong person, ticket or status");
  if (body.status === 1) bot.person.typing += 1;
  return { ret: 0 };
}

function answerUpload(world: CallWorld, bot: IlinkBot, { body }: IlinkCall): Answer {
  const parsed = UploadRequest.safeParse(body);
  if (!parsed.success) return refuse(world, "getuploadurl: wrong request");
  const request = parsed.data;
  if (request.to_user_id !== bot.person.id) {
    return refuse(world, "getuploadurl: not the bot's person");
  }
  const parameter = world.files.promise({
    fileKey: request.filekey,
    key: Buffer.from(request.aeskey, "hex"),
    plainBytes: request.rawsize,
    sealedBytes: request.filesize,
    md5: request.rawfilemd5,
  });
  return { ret: 0, upload_param: parameter };
}

/** Nothing a correct client gets to see. */
export function refuse(world: Pick<CallWorld, "faults">, fault: string): Answer {
  world.faults.push(fault);
  return { ret: -1, errmsg: fault };
}

export function createTypingTicket(): string {
  return randomBytes(16).toString("base64");
}
