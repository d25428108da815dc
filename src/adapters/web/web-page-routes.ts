import type { AnswerPages } from "../../core/chat/answer-pages.ts";
import type { RequestConnection, WebRoute } from "../../core/chat/web-route.ts";
import type { RateLimiter } from "../../core/quota/rate-limiter.ts";
import { isLoopback, networkOf } from "../shared/network.ts";
import type { AdminKeyGuard } from "./admin-key-guard.ts";
import type { WebAssets } from "./web-assets.ts";
import {
  isSameOrigin,
  jsonResponse,
  PostedKey,
  problemResponse,
  readPosted,
} from "./web-requests.ts";
import type { WebSession } from "./web-session.ts";

/** New people from one network: generous to a school, little use to who farms free trials. */
const VISITORS_PER_NETWORK_MAX = 120;
const VISITORS_WINDOW_MS = 60 * 60_000;

interface PageParts {
  readonly assets: WebAssets;
  readonly session: WebSession;
}

/** The page at `/`: a first visit makes a person of the browser. */
export function createChatPageRoute(parts: PageParts, limiter: RateLimiter): WebRoute {
  const { assets, session } = parts;
  return {
    path: "/",
    handle: async (request, connection) => {
      if (!isReading(request)) return problemResponse("method_not_allowed");
      const visitor = session.readVisitor(request);
      if (visitor !== null) return assets.page("index.html", visitor.renewal);
      if (!mayBeNew(limiter, connection)) return assets.page("index.html", null, "full");
      return assets.page("index.html", session.createVisitor().cookie);
    },
  };
}

/** The page of the private admin chat, and the exchange of its key for a cookie. */
export function createAdminPageRoutes(parts: PageParts, guard: AdminKeyGuard): WebRoute[] {
  const { assets, session } = parts;
  return [
    {
      path: "/admin-chat",
      handle: async (request) =>
        isReading(request)
          ? assets.page("admin.html", null)
          : problemResponse("method_not_allowed"),
    },
    {
      path: "/admin-chat/session",
      bodyBytesMax: 4096,
      handle: async (request, connection) => openAdminSession(session, guard, request, connection),
    },
  ];
}

/** The page of one answer, for whoever holds its link. */
export function createAnswerRoute(assets: WebAssets, answers: AnswerPages): WebRoute {
  return {
    path: "/answers/*",
    handle: async (request) => {
      if (!isReading(request)) return problemResponse("method_not_allowed");
      const token = new URL(request.url).pathname.slice("/answers/".length);
      const answer = await answers.read(token);
      const locale = answer?.locale ?? request.headers.get("accept-language") ?? "en";
      const isChinese = /^zh/i.test(locale);
      const language = isChinese ? "zh-CN" : (answer?.locale ?? "en");
      const title = isChinese ? "AI 回答" : "AI answer";
      // Somebody who followed an old link reads this, so it is a page as well.
      if (answer === null) {
        return assets.answerPage(isChinese ? NO_ANSWER_ZH : NO_ANSWER_EN, language, title, 404);
      }
      return assets.answerPage(answer.text, language, title);
    },
  };
}

const NO_ANSWER_EN = "There is no answer at this address, or it was deleted.";
const NO_ANSWER_ZH = "这里没有回答，或回答已被删除。";

export function createAssetsRoute(assets: WebAssets): WebRoute {
  return {
    path: "/assets/*",
    handle: async (request) =>
      (isReading(request) ? assets.respond(request) : null) ?? problemResponse("not_found"),
  };
}

function mayBeNew(limiter: RateLimiter, { remoteAddress }: RequestConnection): boolean {
  const network = networkOf(remoteAddress);
  // This machine: the operator, or a proxy that does not say who asks and would be shut to all.
  if (isLoopback(network)) return true;
  return limiter.take(network, VISITORS_PER_NETWORK_MAX, VISITORS_WINDOW_MS) === 0;
}

async function openAdminSession(
  session: WebSession,
  guard: AdminKeyGuard,
  request: Request,
  connection: RequestConnection,
): Promise<Response> {
  if (request.method !== "POST") return problemResponse("method_not_allowed");
  if (!isSameOrigin(request)) return problemResponse("foreign_origin");
  const posted = await readPosted(request, PostedKey);
  if (posted === null) return problemResponse("invalid");
  const network = networkOf(connection.remoteAddress);
  const retryAfterMs = guard.waitMs(network);
  if (retryAfterMs > 0) return problemResponse("too_many_attempts", { retryAfterMs });
  const cookie = session.createAdminCookie(posted.key);
  if (cookie === null) {
    guard.countWrongKey(network);
    return problemResponse("wrong_key");
  }
  const response = jsonResponse({});
  response.headers.set("set-cookie", cookie);
  return response;
}

function isReading(request: Request): boolean {
  return request.method === "GET" || request.method === "HEAD";
}
