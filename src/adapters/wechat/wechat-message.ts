import type { MessageInterface, RoomInterface } from "wechaty/impls";
import type { WechatMessage } from "./wechat-event.ts";
import type { WechatLibrary } from "./wechat-library.ts";

/** Accounts of WeChat's own: team, file transfer, news, friend requests. */
const SYSTEM_CONTACTS = new Set(["weixin", "filehelper", "newsapp", "fmessage", "notifymessage"]);

// A phone writes U+2005 behind a name, a computer a space.
const NAME_END = "(?:\\u2005|\\s|$)";
/** How WeChat writes a reply to a message into the text of the reply. */
const QUOTATION = /^「([^：:」\n]+)[：:]\s?([\s\S]*?)」\s*\n(?:[-—] ?){5,}\s*\n?([\s\S]*)$/;

export type ReadMessage =
  | ({ readonly kind: "message" } & Pick<
      WechatMessage,
      "personId" | "personName" | "roomId" | "text" | "quotedText" | "file"
    >)
  | { readonly kind: "money"; readonly personId: string; readonly personName: string };

/**
 * Reads a message of wechaty. `null` when it is nothing to us: our own, talk of others in a
 * group, what was taken back, and what comes from official accounts or WeChat itself.
 */
export async function readMessage(
  message: MessageInterface,
  { types }: WechatLibrary,
): Promise<ReadMessage | null> {
  if (message.self()) return null;
  const type = message.type();
  const { Message, Contact } = types;
  if (type === Message.Unknown || type === Message.Recalled) return null;
  const talker = message.talker();
  if (talker.type() === Contact.Official || SYSTEM_CONTACTS.has(talker.id)) return null;
  const person = { personId: talker.id, personName: talker.name() };
  const room = message.room() ?? null;
  if (type === Message.Transfer || type === Message.RedEnvelope) {
    return room === null ? { kind: "money", ...person } : null;
  }
  const text = type === Message.Text ? message.text() : "";
  const place = { kind: "message", ...person, roomId: room?.id ?? null } as const;
  if (room !== null) {
    const ours = type === Message.Text ? await ownNames(message, room) : [];
    if (type !== Message.Text || !(await isForUs(message, text, ours))) return null;
    return { ...place, ...readQuotation(withoutNames(text, ours), ours), file: null };
  }
  if (type === Message.Text) {
    return { ...place, ...readQuotation(text, [ownName(message)]), file: null };
  }
  const kind = type === Message.Image ? "image" : type === Message.Attachment ? "file" : "other";
  const name = kind === "other" ? Message[type] : await fileName(message, kind);
  return { ...place, text: "", quotedText: null, file: { kind, name: name ?? kind } };
}

/** Splits a reply into what it answers and what it says. Our own words are not quoted to us. */
export function readQuotation(
  text: string,
  ourNames: readonly string[],
): { readonly text: string; readonly quotedText: string | null } {
  const [, name, quoted, said] = QUOTATION.exec(text) ?? [];
  if (name === undefined || quoted === undefined || said === undefined) {
    return { text: text.trim(), quotedText: null };
  }
  const isOurs = ourNames.includes(name.trim());
  return { text: said.trim(), quotedText: isOurs || quoted === "" ? null : quoted };
}

/** Takes our names out: "@bot what is this?" is asked as "what is this?". */
export function withoutNames(text: string, names: readonly string[]): string {
  return names.reduce((rest, name) => rest.replace(mentionOf(name, "g"), ""), text).trim();
}

async function isForUs(
  message: MessageInterface,
  text: string,
  names: readonly string[],
): Promise<boolean> {
  // Some hosts pass on no list of those who were mentioned, so the text is read as well.
  return (await message.mentionSelf()) || names.some((name) => mentionOf(name, "").test(text));
}

async function ownNames(message: MessageInterface, room: RoomInterface): Promise<string[]> {
  const { currentUser } = message.wechaty;
  let alias: string | undefined;
  try {
    alias = await room.alias(currentUser);
  } catch {
    // Not every puppet knows the names people have in a group.
  }
  return [alias ?? "", currentUser.name()].filter((name) => name !== "");
}

function ownName({ wechaty }: MessageInterface): string {
  return wechaty.currentUser.name();
}

function mentionOf(name: string, flags: string): RegExp {
  return new RegExp(`@${name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")}${NAME_END}`, flags);
}

async function fileName(message: MessageInterface, kind: string): Promise<string | null> {
  const { filename } = await message.wechaty.puppet.messagePayload(message.id);
  if (filename !== undefined && filename !== "") return filename;
  if (kind === "image") return null;
  try {
    // A box knows its name before its content is fetched.
    return (await message.toFileBox()).name;
  } catch {
    return null;
  }
}
