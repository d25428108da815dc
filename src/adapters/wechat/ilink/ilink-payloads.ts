import { type payloads, types } from "wechaty-puppet";
import type { IlinkPart } from "./ilink-message.ts";

const MESSAGE_TYPE = {
  text: types.Message.Text,
  image: types.Message.Image,
  voice: types.Message.Audio,
  file: types.Message.Attachment,
  video: types.Message.Video,
  other: types.Message.Unknown,
} as const satisfies Record<IlinkPart["kind"], types.Message>;

/** The first bytes of the kinds of picture that models can see. */
const PICTURES: readonly (readonly [ending: string, start: string])[] = [
  ["png", "89504e47"],
  ["gif", "47494638"],
  ["webp", "52494646"],
];

export function messagePayload(part: IlinkPart, personId: string, botId: string): payloads.Message {
  return {
    id: part.id,
    talkerId: personId,
    listenerId: botId,
    timestamp: part.sentAtMs,
    type: MESSAGE_TYPE[part.kind],
    text: part.text,
    ...(part.fileName !== "" && { filename: part.fileName }),
  };
}

/** iLink tells no names, so that of a person is their id. */
export function contactPayload(id: string, isSelf: boolean): payloads.Contact {
  return {
    id,
    name: isSelf ? "Dianka" : id,
    avatar: "",
    gender: types.ContactGender.Unknown,
    type: types.Contact.Individual,
    friend: true,
    phone: [],
  };
}

/** Pictures come without a name, so their content gives the ending. */
export function nameFile(part: IlinkPart, content: Buffer): string {
  if (part.fileName !== "") return part.fileName;
  if (part.kind === "voice") return "voice.silk";
  if (part.kind === "video") return "video.mp4";
  if (part.kind !== "image") return "file";
  const start = content.subarray(0, 4).toString("hex");
  return `image.${PICTURES.find(([, bytes]) => bytes === start)?.[0] ?? "jpg"}`;
}
