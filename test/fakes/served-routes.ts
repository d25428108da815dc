import type { WebRoute } from "../../src/core/chat/web-route.ts";
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from "../../src/http/server.ts";
import { RecordedLog } from "./recorded-log.ts";

const open: HttpServer[] = [];

/** Ends what `serve` began; call it after each test. */
export async function stopServers(): Promise<void> {
  await Promise.all(open.splice(0).map((server) => server.stop({ graceMs: 0 })));
}

/** The real HTTP server on a free port, with everything about it up. */
export async function serve(routes: readonly WebRoute[], options: Partial<HttpServerOptions> = {}) {
  const log = new RecordedLog();
  const server = createHttpServer({
    host: "127.0.0.1",
    port: 0,
    routes,
    health: async () => ({ ready: true, parts: { database: "up" } }),
    metrics: async () => "answers_total 3\n",
    isBehindProxy: false,
    log,
    ...options,
  });
  open.push(server);
  const { port } = await server.listen();
  return { server, port, log, url: `http://127.0.0.1:${port}` };
}
