import type { IlinkItem, IlinkMedia, IlinkMessage } from "./ilink-answers.ts";

const FROM_PERSON = 1;
const ITEM_KIND: Readonly<Record<number, PartKind>> = {
  1: "text",
  2: "image",
  3: "voice",
  4: "file",
  5: "video",
};

type PartKind = "text" | "image" | "voice" | "file" | "video" | "other";

/** One thing a person sent: iLink may bring several in one message. */
export interface IlinkPart {
  /** The id of the message; behind the first part with a number of its own. */
  readonly id: string;
  readonly kind: PartKind;
  readonly text: string;
  readonly fileName: string;
  readonly media: IlinkMedia | null;
  /** The key of the media once more; "" when it stands there alone. */
  readonly hexKey: string;
  readonly sentAtMs: number;
}

/** Whether the only person this bot talks with wrote it. */
export function isFrom(message: IlinkMessage, personId: string): boolean {
  const isDirect = message.group_id === "";
  return isDirect && message.message_type === FROM_PERSON && message.from_user_id === personId;
}

/** The parts of a message, in their order. */
export function readParts(message: IlinkMessage): IlinkPart[] {
  return message.item_list.map((item, index) => ({
    id: index === 0 ? message.message_id : `${message.message_id}:${index + 1}`,
    sentAtMs: message.create_time_ms,
    ...readItem(item),
  }));
}

function readItem(item: IlinkItem): Omit<IlinkPart, "id" | "sentAtMs"> {
  const kind = ITEM_KIND[item.type] ?? "other";
  const none = { text: "", fileName: "", media: null, hexKey: "" };
  switch (kind) {
    case "text":
      return { ...none, kind, text: withQuote(item, item.text_item?.text ?? "") };
    case "image":
      return {
        ...none,
        kind,
        media: item.image_item?.media ?? null,
        hexKey: item.image_item?.aeskey ?? "",
      };
    case "voice": {
      const text = item.voice_item?.text ?? "";
      // WeChat wrote down what was said: that is as good as text.
      if (text !== "") return { ...none, kind: "text", text };
      return { ...none, kind, media: item.voice_item?.media ?? null };
    }
    case "file":
      return {
        ...none,
        kind,
        fileName: item.file_item?.file_name ?? "",
        media: item.file_item?.media ?? null,
      };
    case "video":
      return { ...none, kind, media: item.video_item?.media ?? null };
    case "other":
      return { ...none, kind };
  }
}

/** A quoted message stands before the words about it, as other puppets have it from WeChat itself. */
function withQuote(item: IlinkItem, text: string): string {
  const quoted = item.ref_msg?.message_item?.text_item?.text || item.ref_msg?.title || "";
  return quoted === "" ? text : `「引用：${quoted}」\n${QUOTE_LINE}\n${text}`;
}

const QUOTE_LINE = "- - - - - - - - - - - - - - -";
