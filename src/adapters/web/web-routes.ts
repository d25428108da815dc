import type { IncomingAction, IncomingMessage } from "../../core/chat/incoming-message.ts";
import type { WebMessage } from "../../core/chat/web-message-store.ts";
import type { WebPanel, WebViewer } from "../../core/chat/web-panel.ts";
import type { RequestConnection, WebRoute } from "../../core/chat/web-route.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { toIncomingAttachment } from "./web-attachment.ts";
import type { WebEvents } from "./web-events.ts";
import type { WebFileShelf } from "./web-file-shelf.ts";
import {
  isSameOrigin,
  jsonResponse,
  PostedAction,
  PostedMessage,
  problemResponse,
  readPosted,
} from "./web-requests.ts";
import { idTimeMs, type WebTranscript } from "./web-transcript.ts";
import type { Audience } from "./web-viewers.ts";

const PAGE_MESSAGES_MAX = 50;
/** Characters of one page of messages; a longer one has fewer of them, but at least one. */
const PAGE_LENGTH_MAX = 400_000;
const MESSAGE_BODY_BYTES_MAX = 8 * 1024 * 1024;
const SMALL_BODY_BYTES_MAX = 16 * 1024;
/** How long the page may go on trying to send a message. */
const MESSAGE_AGE_MAX_MS = 24 * 60 * 60_000;

/** What the routes of a chat need. */
export interface ChatParts {
  readonly transcript: WebTranscript;
  readonly events: WebEvents;
  readonly files: WebFileShelf;
  readonly panel: WebPanel;
  readonly clock: Clock;
  readonly log: Logger;
  /** Removes what must not be stored, such as card codes. */
  maskText(text: string): string;
  /** Both throw when nobody listens, or the core failed: the page sends again. */
  onMessage(message: IncomingMessage): Promise<void>;
  onAction(action: IncomingAction): Promise<string | null>;
}

type Handle = (
  request: Request,
  viewer: WebViewer,
  connection: RequestConnection,
) => Promise<Response>;

/** The addresses the page of one audience talks to. */
export function createChatRoutes(audience: Audience, parts: ChatParts): WebRoute[] {
  const route = (
    path: string,
    handlers: { readonly GET?: Handle; readonly POST?: Handle },
    bodyBytesMax = SMALL_BODY_BYTES_MAX,
  ): WebRoute => ({
    path: audience.prefix + path,
    bodyBytesMax,
    handle: async (request, connection) => {
      const handle =
        request.method === "GET" || request.method === "POST"
          ? handlers[request.method]
          : undefined;
      if (handle === undefined) return problemResponse("method_not_allowed");
      if (request.method === "POST" && !isSameOrigin(request)) {
        return problemResponse("foreign_origin");
      }
      const viewer = audience.identify(request);
      return viewer === null ? problemResponse("no_session") : handle(request, viewer, connection);
    },
  });
  return [
    route("/events", { GET: (...given) => openEvents(parts, audience.streamsMax, ...given) }),
    route(
      "/messages",
      {
        GET: (request, viewer) => listMessages(parts, request, viewer),
        POST: (request, viewer) => postMessage(parts, request, viewer),
      },
      MESSAGE_BODY_BYTES_MAX,
    ),
    route("/actions", { POST: (request, viewer) => postAction(parts, request, viewer) }),
    route("/state", {
      GET: async (_request, viewer) => jsonResponse(await parts.panel.readState(viewer)),
    }),
    route("/turns", { GET: (request, viewer) => readTurns(parts, request, viewer) }),
    route("/files/*", { GET: async (request, viewer) => readFile(parts, request, viewer) }),
  ];
}

async function openEvents(
  parts: ChatParts,
  streamsMax: number,
  request: Request,
  viewer: WebViewer,
  connection: RequestConnection,
): Promise<Response> {
  const { channel } = viewer.address;
  const stream = await parts.events.open({
    channel,
    streamsMax,
    lastEventId: request.headers.get("last-event-id"),
    readSnapshot: async () => ({
      now: parts.clock.now(),
      ...(await readPage(parts, channel, null)),
    }),
    closing: connection.closing,
  });
  if (stream === null) return problemResponse("try_later");
  return new Response(stream, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      // nginx would hold back what is written, else.
      "x-accel-buffering": "no",
    },
  });
}

async function listMessages(
  parts: ChatParts,
  request: Request,
  viewer: WebViewer,
): Promise<Response> {
  const before = new URL(request.url).searchParams.get("before");
  if (before === null || !/^[0-9a-f-]{36}$/.test(before)) return problemResponse("invalid");
  return jsonResponse(await readPage(parts, viewer.address.channel, before));
}

async function readPage(
  parts: ChatParts,
  channel: string,
  beforeId: string | null,
): Promise<{ readonly messages: readonly WebMessage[]; readonly hasEarlier: boolean }> {
  const found = await parts.transcript.list(channel, PAGE_MESSAGES_MAX + 1, beforeId);
  let length = 0;
  let start = found.length;
  for (const message of found.slice(-PAGE_MESSAGES_MAX).reverse()) {
    length += JSON.stringify(message).length;
    if (length > PAGE_LENGTH_MAX && start < found.length) break;
    start -= 1;
  }
  return { messages: found.slice(start), hasEarlier: start > 0 };
}

async function postMessage(
  parts: ChatParts,
  request: Request,
  viewer: WebViewer,
): Promise<Response> {
  const posted = await readPosted(request, PostedMessage);
  if (posted === null) return problemResponse("invalid");
  const now = parts.clock.now();
  const ageMs = now.getTime() - idTimeMs(posted.id);
  // Messages are in order of their ids, so a page with a wrong clock corrects it and tries again.
  if (ageMs < 0 || ageMs > MESSAGE_AGE_MAX_MS) return problemResponse("clock", { now });

  const { channel } = viewer.address;
  // Postgres cannot keep this character in a text.
  const text = posted.text.replaceAll("\0", "");
  let isNew = false;
  try {
    isNew = await parts.transcript.append({
      id: posted.id,
      channel,
      author: "person",
      text: parts.maskText(text),
      format: "plain",
      buttons: [],
      replyId: null,
      attachments: posted.attachments.map(({ name, mediaType, thumbnail }) => ({
        name: name.replaceAll("\0", ""),
        mediaType: mediaType.replaceAll("\0", ""),
        thumbnail: thumbnail ?? null,
      })),
      fileName: null,
      createdAt: now,
    });
    await parts.onMessage({
      id: posted.id,
      address: viewer.address,
      sender: viewer.sender,
      text,
      isDirect: true,
      isEdit: false,
      quotedText: null,
      attachments: posted.attachments.map(toIncomingAttachment),
      receivedAt: now,
    });
  } catch (err) {
    parts.log.warn({ err }, "a web message could not be taken");
    // Nobody will answer it now: the page that wrote it still has it and offers to send it again.
    if (isNew) await parts.transcript.remove(channel, posted.id).catch(() => false);
    return problemResponse("try_later");
  }
  return jsonResponse({ id: posted.id }, 202);
}

async function postAction(
  parts: ChatParts,
  request: Request,
  viewer: WebViewer,
): Promise<Response> {
  const posted = await readPosted(request, PostedAction);
  if (posted === null) return problemResponse("invalid");
  try {
    const text = await parts.onAction({
      ...posted,
      address: viewer.address,
      sender: viewer.sender,
      isDirect: true,
      receivedAt: parts.clock.now(),
    });
    return jsonResponse({ text });
  } catch (err) {
    parts.log.warn({ err }, "a web action could not be taken");
    return problemResponse("try_later");
  }
}

async function readTurns(parts: ChatParts, request: Request, viewer: WebViewer): Promise<Response> {
  const number = Number(new URL(request.url).searchParams.get("number"));
  if (!Number.isSafeInteger(number) || number < 1) return problemResponse("invalid");
  return jsonResponse({ turns: await parts.panel.readTurns(viewer, number) });
}

function readFile(parts: ChatParts, request: Request, viewer: WebViewer): Response {
  const id = new URL(request.url).pathname.split("/").at(-1) ?? "";
  const file = parts.files.read(id, viewer.address.channel);
  if (file === null) return problemResponse("file_gone");
  return new Response(file.content, {
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}
