import type { RequestConnection, WebRoute } from "../../core/chat/web-route.ts";
import type { RateLimiter } from "../../core/quota/rate-limiter.ts";
import type { WebAssets } from "./web-assets.ts";
import {
  isSameOrigin,
  jsonResponse,
  networkOf,
  PostedKey,
  problemResponse,
  readPosted,
} from "./web-requests.ts";
import type { WebSession } from "./web-session.ts";

const HOUR_MS = 60 * 60_000;
/** New people from one network: generous to a school, little use to who farms free trials. */
const VISITORS_PER_NETWORK_MAX = 120;
const VISITORS_WINDOW_MS = HOUR_MS;
const KEY_ATTEMPTS_PER_NETWORK_MAX = 10;
const KEY_ATTEMPTS_MAX = 100;
const KEY_ATTEMPTS_WINDOW_MS = 10 * 60_000;

interface PageParts {
  readonly assets: WebAssets;
  readonly session: WebSession;
  readonly limiter: RateLimiter;
}

/** The page at `/`: a first visit makes a person of the browser. */
export function createChatPageRoute(parts: PageParts): WebRoute {
  const { assets, session, limiter } = parts;
  return {
    path: "/",
    handle: async (request, connection) => {
      if (!isReading(request)) return problemResponse("method_not_allowed");
      const visitor = session.readVisitor(request);
      if (visitor !== null) return assets.page("index.html", visitor.renewal);
      const key = `visitor ${networkOf(connection.remoteAddress)}`;
      const waitMs = limiter.take(key, VISITORS_PER_NETWORK_MAX, VISITORS_WINDOW_MS);
      if (waitMs > 0) return assets.page("index.html", null, "full");
      return assets.page("index.html", session.createVisitor().cookie);
    },
  };
}

/** The page of the private admin chat, and the exchange of its key for a cookie. */
export function createAdminPageRoutes(parts: PageParts): WebRoute[] {
  const { assets, session, limiter } = parts;
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
      handle: async (request, connection) =>
        openAdminSession(session, limiter, request, connection),
    },
  ];
}

export function createAssetsRoute(assets: WebAssets): WebRoute {
  return {
    path: "/assets/*",
    handle: async (request) =>
      (isReading(request) ? assets.respond(request) : null) ?? problemResponse("not_found"),
  };
}

async function openAdminSession(
  session: WebSession,
  limiter: RateLimiter,
  request: Request,
  connection: RequestConnection,
): Promise<Response> {
  if (request.method !== "POST") return problemResponse("method_not_allowed");
  if (!isSameOrigin(request)) return problemResponse("foreign_origin");
  const posted = await readPosted(request, PostedKey);
  if (posted === null) return problemResponse("invalid");
  const network = `admin ${networkOf(connection.remoteAddress)}`;
  const waitMs =
    limiter.take(network, KEY_ATTEMPTS_PER_NETWORK_MAX, KEY_ATTEMPTS_WINDOW_MS) ||
    limiter.take("admin", KEY_ATTEMPTS_MAX, KEY_ATTEMPTS_WINDOW_MS);
  if (waitMs > 0) return problemResponse("too_many_attempts", { retryAfterMs: waitMs });
  const cookie = session.createAdminCookie(posted.key);
  if (cookie === null) return problemResponse("wrong_key");
  const response = jsonResponse({});
  response.headers.set("set-cookie", cookie);
  return response;
}

function isReading(request: Request): boolean {
  return request.method === "GET" || request.method === "HEAD";
}
