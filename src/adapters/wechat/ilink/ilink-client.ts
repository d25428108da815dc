import { randomUUID } from "node:crypto";
import { z } from "zod";
import { ConfigAnswer, SendAnswer, UpdatesAnswer, UploadAnswer } from "./ilink-answers.ts";
import { type CallOptions, IlinkHttp } from "./ilink-http.ts";
import type { SealedFile } from "./ilink-media.ts";

/** What iLink calls a message of a bot, and one that is whole. */
const FROM_BOT = 2;
const FINISHED = 2;
const TEXT_ITEM = 1;
const FILE_ITEM = 4;
/** What `getuploadurl` calls a file that is neither a picture nor a video. */
const FILE_UPLOAD = 3;
const CIPHERED = 1;
const TYPING = 1;

/** The server holds a poll for so long, unless it says otherwise. */
const POLL_MS = 35_000;
const POLL_MS_MAX = 120_000;
/** What an answer may take beyond that. */
const POLL_SPARE_MS = 10_000;
/** Nobody waits for these. */
const SIDE_CALL_TIMEOUT_MS = 10_000;

const Nothing = z.unknown();

/** To whom, and in answer to what. */
export interface SendTarget {
  readonly personId: string;
  /** Came with the person's last message. */
  readonly contextToken: string;
}

export interface Updates {
  /** As they came, to be read one by one. */
  readonly messages: readonly unknown[];
  /** Where the next poll goes on; "": where this one did. */
  readonly cursor: string;
}

/** What one bot may ask of iLink. Throws what `IlinkHttp` throws. */
export class IlinkClient {
  readonly #http: IlinkHttp;
  #pollMs = POLL_MS;

  constructor(baseUrl: string, token: string) {
    this.#http = new IlinkHttp(baseUrl, token);
  }

  async readUpdates(cursor: string, signal: AbortSignal): Promise<Updates> {
    const body = { get_updates_buf: cursor };
    const timeoutMs = this.#pollMs + POLL_SPARE_MS;
    const answer = await this.#http.post("getupdates", body, UpdatesAnswer, { timeoutMs, signal });
    const toldMs = answer.longpolling_timeout_ms ?? 0;
    if (toldMs > 0) this.#pollMs = Math.min(toldMs, POLL_MS_MAX);
    return { messages: answer.msgs ?? [], cursor: answer.get_updates_buf };
  }

  /** Resolves with the id of the message. */
  async sendText(to: SendTarget, text: string): Promise<string> {
    return this.#send(to, { type: TEXT_ITEM, text_item: { text } });
  }

  /** `mediaParameter` is what the upload resolved with. */
  async sendFile(
    to: SendTarget,
    name: string,
    file: SealedFile,
    mediaParameter: string,
  ): Promise<string> {
    const media = {
      encrypt_query_param: mediaParameter,
      // Of files, unlike pictures, the key travels as the base64 of its hexadecimal digits.
      aes_key: Buffer.from(file.key.toString("hex")).toString("base64"),
      encrypt_type: CIPHERED,
    };
    const item = { media, file_name: name, len: String(file.plainBytes) };
    return this.#send(to, { type: FILE_ITEM, file_item: item });
  }

  async requestUpload(personId: string, file: SealedFile): Promise<z.infer<typeof UploadAnswer>> {
    const body = {
      filekey: file.fileKey,
      media_type: FILE_UPLOAD,
      to_user_id: personId,
      rawsize: file.plainBytes,
      rawfilemd5: file.plainMd5,
      filesize: file.sealed.length,
      no_need_thumb: true,
      aeskey: file.key.toString("hex"),
    };
    return this.#http.post("getuploadurl", body, UploadAnswer);
  }

  /** The ticket that `showTyping` needs; "" when there is none. */
  async readTypingTicket({ personId, contextToken }: SendTarget): Promise<string> {
    const body = { ilink_user_id: personId, context_token: contextToken };
    const answer = await this.#http.post("getconfig", body, ConfigAnswer, SIDE_CALL);
    return answer.typing_ticket;
  }

  async showTyping(personId: string, ticket: string): Promise<void> {
    const body = { ilink_user_id: personId, typing_ticket: ticket, status: TYPING };
    await this.#http.post("sendtyping", body, Nothing, SIDE_CALL);
  }

  async announceStart(signal: AbortSignal): Promise<void> {
    await this.#http.post("msg/notifystart", {}, Nothing, { ...SIDE_CALL, signal });
  }

  async announceStop(): Promise<void> {
    await this.#http.post("msg/notifystop", {}, Nothing, { timeoutMs: STOP_TIMEOUT_MS });
  }

  async #send(to: SendTarget, item: object): Promise<string> {
    // Each id counts once: iLink shows the first message of an id and drops those after it.
    const clientId = `dianka-${randomUUID()}`;
    const msg = {
      from_user_id: "",
      to_user_id: to.personId,
      client_id: clientId,
      message_type: FROM_BOT,
      message_state: FINISHED,
      context_token: to.contextToken,
      item_list: [item],
    };
    const answer = await this.#http.post("sendmessage", { msg }, SendAnswer);
    return answer.message_id ?? clientId;
  }
}

const SIDE_CALL: CallOptions = { timeoutMs: SIDE_CALL_TIMEOUT_MS };
const STOP_TIMEOUT_MS = 2_000;
