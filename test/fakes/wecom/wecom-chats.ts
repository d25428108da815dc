import { CODES, Refusal, refuseUnless } from "./wecom-answers.ts";

const CONTENT_BYTES_MAX = 20_480;
const WELCOME_WINDOW_MS = 5_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What somebody sees in a chat. */
export interface SeenMessage {
  readonly kind: "stream" | "markdown" | "file" | "welcome";
  text: string;
  /** A stream that is not finished shows that somebody writes. */
  isFinished: boolean;
  /** How often it was written. */
  writes: number;
}

interface Request {
  readonly kind: "message" | "enter_chat";
  readonly chat: string;
  readonly atMs: number;
  stream: { readonly id: string; readonly openedAtMs: number; readonly seen: SeenMessage } | null;
}

/** The chats of a strict WeCom, and what its rules say to each call. */
export class WecomChats {
  /** How long a stream may be written to. */
  streamLifeMs = 6 * MINUTE_MS;
  perMinuteMax = 30;
  perHourMax = 1_000;
  readonly #now: () => number;
  readonly #seen = new Map<string, SeenMessage[]>();
  readonly #requests = new Map<string, Request>();
  readonly #sentAtMs = new Map<string, number[]>();
  readonly #mayReceive = new Set<string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  seenIn(chat: string): readonly SeenMessage[] {
    return this.#seen.get(chat) ?? [];
  }

  /** A person did something: what answers it is known by the id of the request. */
  open(reqId: string, kind: Request["kind"], chat: string): void {
    this.#requests.set(reqId, { kind, chat, atMs: this.#now(), stream: null });
    if (kind === "message") this.#mayReceive.add(chat);
  }

  /** Requests of connections that are gone answer nothing any more. */
  forgetRequests(): void {
    this.#requests.clear();
  }

  respond(reqId: string, body: Record<string, unknown>): void {
    const request = this.#requests.get(reqId);
    refuseUnless(request?.kind === "message", CODES.invalidReqId, "invalid req_id");
    refuseUnless(body.msgtype === "stream", CODES.invalidParameter, "only streams are known here");
    const { id, content, finish = false, ...more } = body.stream as Record<string, unknown>;
    refuseUnless(Object.keys(more).length === 0, CODES.invalidParameter, "not supported here");
    const isComplete = typeof id === "string" && id !== "" && typeof content === "string";
    refuseUnless(isComplete && typeof finish === "boolean", CODES.invalidParameter, "bad stream");
    checkContent(content);
    this.#count(request.chat);
    request.stream ??= this.#openStream(request.chat, id);
    const { stream } = request;
    refuseUnless(stream.id === id, CODES.invalidReqId, "another stream answers this");
    const isOver = stream.seen.isFinished || this.#now() - stream.openedAtMs >= this.streamLifeMs;
    refuseUnless(!isOver, CODES.streamExpired, "stream message update expired");
    stream.seen.text = content;
    stream.seen.isFinished = finish;
    stream.seen.writes += 1;
  }

  welcome(reqId: string, body: Record<string, unknown>): void {
    const request = this.#requests.get(reqId);
    refuseUnless(request?.kind === "enter_chat", CODES.invalidReqId, "invalid req_id");
    const isLate = this.#now() - request.atMs > WELCOME_WINDOW_MS;
    refuseUnless(!isLate, CODES.invalidReqId, "too late");
    refuseUnless(body.msgtype === "text", CODES.invalidParameter, "bad msgtype");
    const { content } = body.text as { readonly content: string };
    this.#show(request.chat, "welcome", content);
  }

  send(body: Record<string, unknown>, isKnownFile: (mediaId: string) => boolean): void {
    const chat = String(body.chatid);
    const isOpen = this.#mayReceive.has(chat);
    // Nobody can tell it from being too often.
    refuseUnless(isOpen, CODES.tooOften, "aibot send msg frequency limit exceeded");
    if (body.msgtype === "file") {
      const { media_id: mediaId } = body.file as { readonly media_id: string };
      refuseUnless(isKnownFile(mediaId), CODES.invalidParameter, "invalid media_id");
      this.#count(chat);
      this.#show(chat, "file", mediaId);
      return;
    }
    refuseUnless(body.msgtype === "markdown", CODES.invalidParameter, "bad msgtype");
    const { content } = body.markdown as { readonly content: string };
    checkContent(content);
    this.#count(chat);
    this.#show(chat, "markdown", content);
  }

  #openStream(chat: string, id: string) {
    const seen = this.#show(chat, "stream", "");
    seen.isFinished = false;
    seen.writes = 0;
    return { id, openedAtMs: this.#now(), seen };
  }

  #show(chat: string, kind: SeenMessage["kind"], text: string): SeenMessage {
    const message: SeenMessage = { kind, text, isFinished: true, writes: 1 };
    this.#seen.set(chat, [...this.seenIn(chat), message]);
    return message;
  }

  /** Updates of a stream count like everything else: nothing says that they do not. */
  #count(chat: string): void {
    const nowMs = this.#now();
    const calls = (this.#sentAtMs.get(chat) ?? []).filter((atMs) => atMs > nowMs - HOUR_MS);
    const inMinute = calls.filter((atMs) => atMs > nowMs - MINUTE_MS).length;
    if (inMinute >= this.perMinuteMax || calls.length >= this.perHourMax) {
      throw new Refusal(CODES.tooOften, "aibot send msg frequency limit exceeded");
    }
    this.#sentAtMs.set(chat, [...calls, nowMs]);
  }
}

function checkContent(content: unknown): void {
  const isText = typeof content === "string" && content !== "";
  refuseUnless(isText, CODES.invalidParameter, "empty content");
  const isShort = Buffer.byteLength(content) <= CONTENT_BYTES_MAX;
  refuseUnless(isShort, CODES.contentTooLong, "content exceeds 20480 bytes");
}
