import type { Clock } from "../../../core/clock.ts";
import { OutsideError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import { WECHAT } from "../wechat-errors.ts";
import type { SendAllowance } from "./ilink-allowance.ts";
import { IlinkMessage } from "./ilink-answers.ts";
import { SEND_INTERVAL_MS } from "./ilink-capabilities.ts";
import { IlinkClient, type SendTarget, type Updates } from "./ilink-client.ts";
import type { IlinkCursor } from "./ilink-cursor.ts";
import { IlinkRefusal, toOutsideError, WindowClosedError, wasNeverSent } from "./ilink-errors.ts";
import { TENCENT_BASE_URL } from "./ilink-http.ts";
import type { Credentials } from "./ilink-login-store.ts";
import { IlinkMediaStore, sealFile } from "./ilink-media.ts";
import { type IlinkPart, isFrom, readParts } from "./ilink-message.ts";
import { isTrustedAddress } from "./ilink-origin.ts";
import type { IlinkParts } from "./ilink-parts.ts";

/** A network is never so exact that two calls arrive as far apart as they were made. */
const PACE_SPARE_MS = 100;
/** Messages recognized when iLink brings them again. */
const KNOWN_MESSAGES_MAX = 1_000;

export interface SessionOptions {
  readonly credentials: Credentials;
  readonly allowance: SendAllowance;
  readonly cursor: IlinkCursor;
  readonly parts: IlinkParts;
  readonly clock: Clock;
  readonly log: Logger;
  /** iLink ended the login. Called once, and not for an end of our own. */
  onEnded(): void;
}

/**
 * The bot of one WeChat person while its login lasts: what came in, what may go out, and where the
 * next poll goes on. It outlives its puppets, so that a new one goes on where the last one stopped.
 */
export class IlinkSession {
  readonly personId: string;
  readonly botId: string;
  readonly client: IlinkClient;
  /** How many polls failed since the last one that did not. */
  failures = 0;
  readonly #options: SessionOptions;
  readonly #media: IlinkMediaStore;
  readonly #known = new Set<string>();
  #line: Promise<unknown> = Promise.resolve();
  #lastSentAtMs = Number.NEGATIVE_INFINITY;
  #typingTicket = "";
  #isEnded = false;

  constructor(options: SessionOptions) {
    const { personId, botId, baseUrl, token } = options.credentials;
    this.#options = options;
    this.personId = personId;
    this.botId = botId;
    this.client = new IlinkClient(baseUrl, token);
    this.#media = new IlinkMediaStore(baseUrl, isTencent(baseUrl));
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get cursor(): IlinkCursor {
    return this.#options.cursor;
  }

  get sendsLeft(): number {
    return this.#isEnded ? 0 : this.#options.allowance.left;
  }

  /** `null` when it is too long ago. */
  findPart(id: string): IlinkPart | null {
    return this.#options.parts.find(id);
  }

  /**
   * Takes in what a poll brought; resolves with what is new, in its order, once the person's right
   * to an answer is remembered. Throws what the memory throws; then the poll may be repeated.
   */
  async receive(updates: Updates): Promise<IlinkPart[]> {
    const read = updates.messages.flatMap((message) => this.#read(message) ?? []);
    const messages = [...new Map(read.map((message) => [message.message_id, message])).values()];
    for (const { message_id: id, create_time_ms: atMs, context_token: token } of messages) {
      await this.#options.allowance.renew(id, atMs, token);
    }
    const parts = messages.flatMap(readParts);
    await this.#options.parts.add(parts);
    for (const { message_id: id } of messages) this.#know(id);
    this.cursor.add(updates.cursor, parts);
    return parts;
  }

  /**
   * Sends one text, no sooner than the last one allows. Resolves with its id. Throws `OutsideError`:
   * "window_closed" when the person has to write first.
   */
  async sendText(text: string): Promise<string> {
    return this.#send((to) => this.client.sendText(to, text));
  }

  /** As `sendText`; the file is uploaded before it counts as a message. */
  async sendFile(name: string, content: Buffer): Promise<string> {
    if (this.sendsLeft === 0) throw new WindowClosedError();
    const file = sealFile(content);
    const upload = await this.#outside(() => this.client.requestUpload(this.personId, file));
    const { upload_param: parameter, upload_full_url: address } = upload;
    const media = await this.#media.upload(file, parameter, address);
    return this.#send((to) => this.client.sendFile(to, name, file, media));
  }

  /** Throws `OutsideError`. Does nothing where iLink gives no ticket for it. */
  async showTyping(): Promise<void> {
    if (this.sendsLeft === 0) return;
    await this.#outside(async () => {
      const { personId } = this;
      if (this.#typingTicket === "") {
        this.#typingTicket = await this.client.readTypingTicket(this.#target());
      }
      if (this.#typingTicket === "") return;
      try {
        await this.client.showTyping(personId, this.#typingTicket);
      } catch (error) {
        // Tickets end some day: the next signal asks for a new one.
        this.#typingTicket = "";
        throw error;
      }
    });
  }

  /** Throws `OutsideError`, or `UserError("attachment_too_large")`. */
  async download(part: IlinkPart, sizeBytesMax: number): Promise<Buffer> {
    if (part.media === null) throw new OutsideError(WECHAT, "rejected");
    return this.#media.download(part.media, part.hexKey, sizeBytesMax);
  }

  /** The login is new: what the last one may have left to send is not for this one. */
  async startOver(): Promise<void> {
    await this.#options.allowance.forgetConversation();
  }

  /** iLink says that the token is no good any more. */
  endByIlink(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.onEnded();
  }

  /** Another login of the same person takes its place. */
  end(): void {
    this.#isEnded = true;
  }

  #read(raw: unknown): IlinkMessage | null {
    const { log } = this.#options;
    const parsed = IlinkMessage.safeParse(raw);
    if (!parsed.success) {
      log.warn({ problems: parsed.error.issues.map(({ path }) => path.join(".")) }, UNREADABLE);
      return null;
    }
    if (this.#known.has(parsed.data.message_id)) return null;
    if (isFrom(parsed.data, this.personId)) return parsed.data;
    log.warn({ messageType: parsed.data.message_type }, "message of nobody we talk with dropped");
    return null;
  }

  #know(id: string): void {
    this.#known.add(id);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > KNOWN_MESSAGES_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** One after the other, each a good second after the one before. */
  async #send(call: (to: SendTarget) => Promise<string>): Promise<string> {
    const sent = this.#line.then(() => this.#sendNext(call));
    this.#line = sent.catch(() => {});
    return sent;
  }

  async #sendNext(call: (to: SendTarget) => Promise<string>): Promise<string> {
    const { allowance, clock } = this.#options;
    const waitMs = this.#lastSentAtMs + SEND_INTERVAL_MS + PACE_SPARE_MS - clock.now().getTime();
    if (this.sendsLeft === 0) throw new WindowClosedError();
    if (waitMs > 0) await clock.sleep(waitMs);
    if (this.#isEnded) throw new WindowClosedError();
    await allowance.take();
    try {
      return await this.#outside(() => call(this.#target()));
    } catch (error) {
      await this.#settleFailure(error);
      throw error;
    } finally {
      this.#lastSentAtMs = clock.now().getTime();
    }
  }

  async #settleFailure(error: unknown): Promise<void> {
    const { allowance, log } = this.#options;
    try {
      if (error instanceof WindowClosedError) await allowance.spend();
      else if (wasNeverSent(error)) await allowance.giveBack();
    } catch (cause) {
      log.warn({ err: cause }, "count of sent messages not remembered");
    }
  }

  #target(): SendTarget {
    return { personId: this.personId, contextToken: this.#options.allowance.contextToken };
  }

  /** Every refusal becomes an `OutsideError`; that of a stale token ends the login. */
  async #outside<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof IlinkRefusal && error.isStaleToken) this.endByIlink();
      throw toOutsideError(error);
    }
  }
}

const UNREADABLE = "message of iLink cannot be read";

function isTencent(baseUrl: string): boolean {
  return isTrustedAddress(baseUrl, TENCENT_BASE_URL);
}
