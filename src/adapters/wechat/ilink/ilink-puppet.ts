import { FileBox, type FileBoxInterface } from "file-box";
import { Puppet, type PuppetOptions, type payloads, types } from "wechaty-puppet";
import type { Clock } from "../../../core/clock.ts";
import type { Logger } from "../../../core/log.ts";
import { contactPayload, messagePayload, nameFile } from "./ilink-payloads.ts";
import { IlinkPoller } from "./ilink-poller.ts";
import type { IlinkSession } from "./ilink-session.ts";
import { UNSUPPORTED_CALLS } from "./unsupported-calls.ts";

/** Pictures and texts are far smaller; what is larger is no use to a model. */
const FILE_BYTES_MAX = 20 * 1024 * 1024;
const SENT_MAX = 50;

export interface PuppetIlinkOptions {
  readonly session: IlinkSession;
  readonly clock: Clock;
  readonly log: Logger;
}

/** wechaty leaves 62 methods to each puppet; those not written below refuse themselves. */
const AnyPuppet = Puppet as unknown as new (options?: PuppetOptions) => Puppet;

/**
 * wechaty's way to the bot that one WeChat person got by scanning our code: Tencent's iLink. There
 * is one contact, no room, and nothing sent can be changed or taken back. A stale token logs out.
 */
export class PuppetIlink extends AnyPuppet {
  static readonly VERSION = "0.1.0";
  readonly #session: IlinkSession;
  readonly #clock: Clock;
  readonly #poller: IlinkPoller;
  readonly #sent = new Map<string, payloads.Message>();
  #stopping = new AbortController();
  #polling: Promise<void> = Promise.resolve();

  constructor({ session, clock, log }: PuppetIlinkOptions) {
    super();
    this.#session = session;
    this.#clock = clock;
    this.#poller = new IlinkPoller({
      session,
      clock,
      log,
      onConnected: () => {
        this.login(session.botId);
        this.emit("ready", { data: "ilink" });
      },
      onPart: ({ id }) => this.emit("message", { messageId: id }),
      onFailure: (error) => this.emit("error", error),
    });
  }

  override name(): string {
    return "ilink";
  }

  override version(): string {
    return PuppetIlink.VERSION;
  }

  override async onStart(): Promise<void> {
    this.#stopping = new AbortController();
    this.#polling = this.#poll(this.#stopping.signal);
  }

  override async onStop(): Promise<void> {
    this.#stopping.abort();
    await this.#polling;
    await this.#session.cursor.flush();
    if (this.#session.isEnded) return;
    // A courtesy: iLink notices by itself that nobody polls.
    await this.#session.client.announceStop().catch(() => {});
  }

  override ding(data?: string): void {
    this.emit("dong", { data: data ?? "" });
  }

  override async messageSendText(conversationId: string, text: string): Promise<string> {
    this.#mustKnow(conversationId);
    const id = await this.#session.sendText(text);
    this.#keepSent(id, { type: types.Message.Text, text });
    return id;
  }

  override async messageSendFile(conversationId: string, file: FileBoxInterface): Promise<string> {
    this.#mustKnow(conversationId);
    const id = await this.#session.sendFile(file.name, await file.toBuffer());
    this.#keepSent(id, { type: types.Message.Attachment, filename: file.name });
    return id;
  }

  override async messageRecall(): Promise<boolean> {
    return false;
  }

  /** Throws `OutsideError`, or `UserError("attachment_too_large")`. */
  override async messageFile(messageId: string): Promise<FileBoxInterface> {
    const part = this.#session.findPart(messageId);
    if (part === null) throw new Error(`iLink message ${messageId} is not known any more`);
    const content = await this.#session.download(part, FILE_BYTES_MAX);
    return FileBox.fromBuffer(content, nameFile(part, content));
  }

  override async messageImage(messageId: string): Promise<FileBoxInterface> {
    return this.messageFile(messageId);
  }

  override async messageRawPayload(messageId: string): Promise<payloads.Message> {
    const sent = this.#sent.get(messageId);
    if (sent !== undefined) return sent;
    const part = this.#session.findPart(messageId);
    if (part === null) throw new Error(`iLink message ${messageId} is not known any more`);
    return messagePayload(part, this.#session.personId, this.#session.botId);
  }

  override async messageRawPayloadParser(payload: payloads.Message): Promise<payloads.Message> {
    return payload;
  }

  override async contactRawPayload(contactId: string): Promise<payloads.Contact> {
    return contactPayload(contactId, contactId === this.#session.botId);
  }

  override async contactRawPayloadParser(payload: payloads.Contact): Promise<payloads.Contact> {
    return payload;
  }

  override async contactList(): Promise<string[]> {
    return [this.#session.personId];
  }

  override async roomList(): Promise<string[]> {
    return [];
  }

  /** The token may turn out stale at any time: then `currentUserId` must not be asked any more. */
  async #poll(signal: AbortSignal): Promise<void> {
    await this.#poller.run(signal);
    if (!signal.aborted && this.#session.isEnded) await this.logout("the login has ended");
  }

  #mustKnow(conversationId: string): void {
    if (conversationId !== this.#session.personId) {
      throw new Error("an iLink bot talks with nobody but the person who made it");
    }
  }

  /** wechaty asks for what it has just sent. */
  #keepSent(id: string, content: Pick<payloads.Message, "type" | "text" | "filename">): void {
    const { botId, personId } = this.#session;
    const timestamp = this.#clock.now().getTime();
    this.#sent.set(id, { id, talkerId: botId, listenerId: personId, timestamp, ...content });
    if (this.#sent.size > SENT_MAX) this.#sent.delete(this.#sent.keys().next().value ?? "");
  }
}

for (const name of UNSUPPORTED_CALLS) {
  const refuse = () => Promise.reject(new Error(`iLink has no ${name}: not supported`));
  Object.defineProperty(PuppetIlink.prototype, name, { value: refuse, configurable: true });
}
