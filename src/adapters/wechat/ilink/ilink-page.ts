import { readFileSync } from "node:fs";
import { z } from "zod";
import type { RequestConnection, WebRoute } from "../../../core/chat/web-route.ts";
import type { IlinkLogin } from "./ilink-login.ts";
import { textsFor } from "./ilink-page-texts.ts";
import { type PageView, readView, renderPage } from "./ilink-page-view.ts";
import { IlinkVisitors } from "./ilink-visitors.ts";

/** Where the page is. */
export const ILINK_PAGE = "/wechat";

const COOKIE = "dianka_wechat";
const COOKIE_S = 24 * 60 * 60;
/** The page waits so long for its first code; it asks for it again when it is open. */
const FIRST_CODE_MS = 4_000;
const BODY_BYTES_MAX = 1_024;
const Posted = z.object({ digits: z.string().regex(/^\d{1,12}$/) });

// Nothing comes from elsewhere, and no script or style stands in the page itself.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const FILES = {
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;

export interface IlinkPageOptions {
  readonly visitors: IlinkVisitors;
  readonly isSecure: boolean;
}

/**
 * The page on which somebody scans a code with WeChat: "/wechat", and what it asks for below that.
 * A cookie tells visitors apart; each has a login of their own, and no page ever holds a token.
 */
export function createIlinkRoutes({ visitors, isSecure }: IlinkPageOptions): WebRoute[] {
  const html = readPage("page.html");
  return [
    {
      path: ILINK_PAGE,
      handle: async (request, connection) => {
        if (request.method === "HEAD") return pageResponse(null, null);
        if (request.method !== "GET") return refusal(405);
        const visitorId = readVisitor(request) ?? IlinkVisitors.createId();
        const login = visitors.look(visitorId) ?? open(visitors, visitorId, connection);
        if (login !== null) await firstCode(login, connection);
        const view = await readView(login, textsFor(request));
        return pageResponse(renderPage(html, textsFor(request), view), cookie(visitorId, isSecure));
      },
    },
    {
      path: `${ILINK_PAGE}/state`,
      handle: async (request, connection) => {
        if (request.method !== "GET") return refusal(405);
        const visitorId = readVisitor(request);
        if (visitorId === null) return refusal(401);
        // After a restart of ours the page is still open, and goes on with a new code.
        const login = visitors.look(visitorId) ?? open(visitors, visitorId, connection);
        return viewResponse(await readView(login, textsFor(request)));
      },
    },
    {
      path: `${ILINK_PAGE}/again`,
      bodyBytesMax: BODY_BYTES_MAX,
      handle: async (request, connection) => {
        const visitorId = readVisitor(request);
        const fault = postFault(request, visitorId);
        if (fault !== null || visitorId === null) return fault ?? refusal(401);
        const login = open(visitors, visitorId, connection);
        if (login !== null) await firstCode(login, connection);
        return viewResponse(await readView(login, textsFor(request)));
      },
    },
    {
      path: `${ILINK_PAGE}/digits`,
      bodyBytesMax: BODY_BYTES_MAX,
      handle: async (request) => {
        const visitorId = readVisitor(request);
        const fault = postFault(request, visitorId);
        if (fault !== null || visitorId === null) return fault ?? refusal(401);
        const posted = Posted.safeParse(await request.json().catch(() => null));
        if (!posted.success) return refusal(400);
        const login = visitors.look(visitorId);
        login?.enterDigits(posted.data.digits);
        return viewResponse(await readView(login, textsFor(request)));
      },
    },
    ...Object.entries(FILES).map(([name, mediaType]) => fileRoute(name, mediaType)),
  ];
}

function open(
  visitors: IlinkVisitors,
  visitorId: string,
  { remoteAddress }: RequestConnection,
): IlinkLogin | null {
  return visitors.open(visitorId, remoteAddress);
}

async function firstCode(login: IlinkLogin, { closing }: RequestConnection): Promise<void> {
  const enough = AbortSignal.any([AbortSignal.timeout(FIRST_CODE_MS), closing]);
  while (login.state === "preparing" && !enough.aborted) await login.changed(enough);
}

function pageResponse(html: string | null, setCookie: string | null): Response {
  const headers = new Headers({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    vary: "accept-language",
  });
  if (setCookie !== null) headers.set("set-cookie", setCookie);
  return new Response(html, { headers });
}

function viewResponse(view: PageView): Response {
  return Response.json(view, { headers: { "cache-control": "no-store" } });
}

function refusal(status: number): Response {
  return Response.json({ error: status }, { status, headers: { "cache-control": "no-store" } });
}

/** Only our own page may act for its visitor. */
function postFault(request: Request, visitorId: string | null): Response | null {
  if (request.method !== "POST") return refusal(405);
  if (visitorId === null) return refusal(401);
  const mediaType = request.headers.get("content-type")?.split(";")[0]?.trim();
  if (mediaType !== "application/json") return refusal(415);
  const site = request.headers.get("sec-fetch-site");
  return site === null || site === "same-origin" ? null : refusal(403);
}

function readVisitor(request: Request): string | null {
  const pairs = (request.headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  return value !== undefined && IlinkVisitors.isId(value) ? value : null;
}

function cookie(visitorId: string, isSecure: boolean): string {
  const secure = isSecure ? "; Secure" : "";
  return `${COOKIE}=${visitorId}; Max-Age=${COOKIE_S}; Path=${ILINK_PAGE}; HttpOnly; SameSite=Lax${secure}`;
}

function fileRoute(name: string, mediaType: string): WebRoute {
  const content = readPage(name);
  return {
    path: `${ILINK_PAGE}/${name}`,
    handle: async () =>
      new Response(content, {
        headers: {
          "content-type": mediaType,
          "cache-control": "no-cache",
          "x-content-type-options": "nosniff",
        },
      }),
  };
}

function readPage(name: string): string {
  return readFileSync(new URL(`./page/${name}`, import.meta.url), "utf8");
}
