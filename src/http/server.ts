import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { WebRoute } from "../core/chat/web-route.ts";
import { UserError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { type Readiness, readinessResponse } from "./health.ts";
import { readRemoteAddress } from "./remote-address.ts";
import { USER_ERROR_STATUS } from "./user-error-status.ts";

/** Enough for every webhook we know. */
const BODY_BYTES_MAX = 1024 * 1024;
/** How long a client may take to send its headers, and its whole request; answers may take any time. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** How often Node looks for clients that are too slow; its own choice is 30 s. */
const TIMEOUT_CHECK_INTERVAL_MS = 5000;
/** Longer than the idle time of usual proxies (60 s), so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const IDLE_CLOSE_INTERVAL_MS = 100;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly routes: readonly WebRoute[];
  readonly health: Readiness;
  /** All metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** A proxy of ours stands before us, and says who asks. */
  readonly isBehindProxy: boolean;
  readonly log: Logger;
}

/** Our address on the network. */
export interface HttpServer {
  /** Resolves with the port once it listens; rejects when it is taken. */
  listen(): Promise<{ readonly port: number }>;
  /**
   * Takes no new connections, ends streams that have no end and idle connections, and waits for
   * answers under way, at most `graceMs`; then cuts them.
   */
  stop(options: { readonly graceMs: number }): Promise<void>;
}

type Env = { Bindings: HttpBindings };

/** Serves health, metrics and the routes of all parts; knows nothing of what they do. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const closing = new AbortController();
  const app = createApp(options, closing.signal);
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    getRequestListener((request, env) => app.fetch(request, env)),
  );
  return {
    listen: () => listen(server, options),
    stop: async ({ graceMs }) => {
      closing.abort();
      await closeServer(server, graceMs);
    },
  };
}

function createApp(options: HttpServerOptions, closing: AbortSignal): Hono<Env> {
  const { log } = options;
  // A slash at the end makes no other page.
  const app = new Hono<Env>({ strict: false });
  app.use(async (c, next) => {
    const startedMs = performance.now();
    await next();
    c.header("x-content-type-options", "nosniff");
    // A client must not send its next request on a connection that is about to end.
    if (closing.aborted) c.header("connection", "close");
    const ms = Math.round(performance.now() - startedMs);
    // The path only: what follows it may be a secret.
    log.debug({ method: c.req.method, path: c.req.path, status: c.res.status, ms }, "request");
  });
  app.get("/healthz", (c) => c.text("ok"));
  app.get("/readyz", () => readinessResponse(options.health));
  app.get("/metrics", async (c) => {
    const text = await options.metrics();
    return c.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  for (const route of options.routes) mount(app, route, options, closing);
  app.notFound((c) => c.json({ error: { code: "not_found" } }, 404));
  app.onError((error, c) => respondToError(error, c, log));
  return app;
}

function mount(
  app: Hono<Env>,
  route: WebRoute,
  { isBehindProxy }: HttpServerOptions,
  closing: AbortSignal,
): void {
  const maxSize = route.bodyBytesMax ?? BODY_BYTES_MAX;
  const limit = bodyLimit({
    maxSize,
    onError: (c) => c.json({ error: { code: "body_too_large", bytesMax: maxSize } }, 413),
  });
  app.all(route.path, limit, (c) => {
    const remoteAddress = readRemoteAddress(
      c.env.incoming.socket.remoteAddress,
      c.req.header("x-forwarded-for") ?? null,
      isBehindProxy,
    );
    return route.handle(c.req.raw, { remoteAddress, closing });
  });
}

function respondToError(error: Error, c: Context, log: Logger): Response {
  if (error instanceof UserError) {
    const { code, details } = error;
    return c.json({ error: { code, details } }, USER_ERROR_STATUS[code]);
  }
  log.error({ err: error, method: c.req.method, path: c.req.path }, "request failed");
  return c.json({ error: { code: "internal" } }, 500);
}

function listen(
  server: Server,
  { host, port }: HttpServerOptions,
): Promise<{ readonly port: number }> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve({ port: (server.address() as AddressInfo).port });
    });
  });
}

/** `server.close` alone waits for ever for connections that are kept alive. */
async function closeServer(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CLOSE_INTERVAL_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
