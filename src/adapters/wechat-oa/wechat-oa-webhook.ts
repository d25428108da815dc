import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import type { RequestConnection, WebRoute } from "../../core/chat/web-route.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { readText } from "../shared/read-at-most.ts";
import { type MessageEnvelope, nonceOf, timestampOf } from "./wechat-oa-envelope.ts";
import { WECHAT_OA } from "./wechat-oa-errors.ts";
import type { PassiveReplies } from "./wechat-oa-passive.ts";
import {
  eventIdOf,
  kindOfPayload,
  readPayload,
  type WechatOaPayload,
} from "./wechat-oa-payload.ts";
import { ReplayGuard } from "./wechat-oa-replay-guard.ts";
import { writeXml } from "./wechat-oa-xml.ts";

const BODY_BYTES_MAX = 128 * 1024;
/** WeChat hangs up after five seconds: the database may take most of that. */
const SAVE_WITHIN_MS = 4_000;
const SAVE_RETRY_MS = 250;
/** Tells WeChat that a message has come. */
const RECEIVED = "success";
const ECHO_LENGTH_MAX = 1_024;

const NOT_ENCRYPTED =
  "WeChat sends messages that are not encrypted: choose the safe mode (安全模式) for the account, or unset WECHAT_OA_AES_KEY";
const NO_KEY = "WeChat sends encrypted messages: set WECHAT_OA_AES_KEY";

export interface WebhookOptions {
  readonly bot: string;
  readonly envelope: MessageEnvelope;
  readonly inbox: InboxStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** `null` while the account may write by itself: then requests are answered at once. */
  readonly passive: () => PassiveReplies | null;
  readonly target: {
    /** Whether messages can be taken now. */
    isReady(): boolean;
    accept(events: readonly InboxEvent[]): void;
  };
}

interface Received {
  readonly payload: WechatOaPayload;
  readonly eventId: string;
  readonly isEncrypted: boolean;
}

/**
 * Takes what WeChat posts. A message is confirmed once it is saved; it is handled later. Where the
 * account may not write by itself, the request stays open for the answer.
 */
export class WechatOaWebhook implements WebRoute {
  readonly path = "/webhooks/wechat-oa";
  readonly bodyBytesMax = BODY_BYTES_MAX;
  readonly #options: WebhookOptions;
  readonly #guard: ReplayGuard;
  #problem: string | null = null;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#guard = new ReplayGuard(options.clock);
  }

  /** `null` unless the account's settings and ours do not fit together. */
  get problem(): string | null {
    return this.#problem;
  }

  async handle(request: Request, _connection: RequestConnection): Promise<Response> {
    const query = new URL(request.url).searchParams;
    if (request.method === "GET") return this.#checkServer(query);
    if (request.method !== "POST") return answer(405, "method not allowed");
    if (!this.#options.envelope.mayOpen(query)) return answer(403, "wrong signature");
    if (!this.#guard.isRecent(timestampOf(query))) {
      this.#options.log.warn({}, "message refused, its time is not ours");
      return answer(403, "too old");
    }
    const body = await readText(request, BODY_BYTES_MAX);
    if (body === null) return answer(413, "body too large");
    const received = this.#open(query, body);
    if (received instanceof Response) return received;
    const { eventId } = received;
    if (!this.#guard.accept(timestampOf(query), nonceOf(query), eventId)) {
      return answer(403, "signature used before");
    }
    return await this.#take(received, request.signal);
  }

  /** The operator configured us at WeChat. Whoever repeats that learns and changes nothing. */
  #checkServer(query: URLSearchParams): Response {
    if (!this.#options.envelope.isSigned(query)) return answer(403, "wrong signature");
    return answer(200, (query.get("echostr") ?? "").slice(0, ECHO_LENGTH_MAX));
  }

  #open(query: URLSearchParams, body: string): Received | Response {
    const opened = this.#options.envelope.open(query, body);
    switch (opened.kind) {
      case "message":
        break;
      case "forged":
        return answer(403, "wrong signature");
      case "malformed":
        return answer(400, "not a message");
      case "not_encrypted":
        return this.#refuse(NOT_ENCRYPTED);
      case "no_key":
        return this.#refuse(NO_KEY);
    }
    const payload = readPayload(opened.fields);
    if (payload === null) return answer(400, "not a message");
    this.#problem = null;
    return { payload, eventId: eventIdOf(payload), isEncrypted: opened.isEncrypted };
  }

  /** Signed, so it is WeChat: the operator has to know. */
  #refuse(problem: string): Response {
    this.#problem = problem;
    this.#options.log.warn({}, "message refused, encryption is not set up as at WeChat");
    return answer(403, "encryption mismatch");
  }

  async #take(received: Received, hungUp: AbortSignal): Promise<Response> {
    const { payload, eventId } = received;
    const kind = kindOfPayload(payload);
    if (kind === "ignored") return answer(200, RECEIVED);
    const { target } = this.#options;
    const passive = kind === "contact" ? this.#options.passive() : null;
    // What is open already may still get its answer when nothing new is taken.
    if (passive === null || !passive.knows(eventId)) {
      if (!target.isReady()) return answer(503, "try again");
      const events = await this.#save(received);
      if (events === null) return answer(503, "try again");
      // Opened before it is handled: the answer may come at once.
      const reply = passive?.attempt(eventId, payload.FromUserName, hungUp);
      target.accept(events);
      return this.#reply(received, (await reply) ?? null);
    }
    return this.#reply(received, await passive.attempt(eventId, payload.FromUserName, hungUp));
  }

  /** `null` when the database does not take it in the time WeChat waits. */
  async #save({ payload, eventId }: Received): Promise<InboxEvent[] | null> {
    const { inbox, bot, clock, log } = this.#options;
    const endMs = clock.now().getTime() + SAVE_WITHIN_MS;
    for (;;) {
      try {
        return await inbox.save(WECHAT_OA, bot, [{ eventId, payload }]);
      } catch (error) {
        log.error({ err: error }, "message cannot be saved");
        if (clock.now().getTime() + SAVE_RETRY_MS >= endMs) return null;
        await clock.sleep(SAVE_RETRY_MS);
      }
    }
  }

  #reply({ payload, isEncrypted }: Received, text: string | null): Response {
    if (text === null) return answer(200, RECEIVED);
    const { envelope, clock } = this.#options;
    const seconds = Math.floor(clock.now().getTime() / 1000);
    const document = writeXml({
      ToUserName: payload.FromUserName,
      FromUserName: payload.ToUserName,
      CreateTime: seconds,
      MsgType: "text",
      Content: text,
    });
    return new Response(isEncrypted ? envelope.seal(document, seconds) : document, {
      headers: { "content-type": "text/xml; charset=utf-8" },
    });
  }
}

function answer(status: number, text: string): Response {
  return new Response(text, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}
