import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { WebAdapter } from "../../src/adapters/web/web-adapter.ts";
import type { IncomingMessage } from "../../src/core/chat/incoming-message.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Logger } from "../../src/core/log.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { MemoryWebMessageStore } from "./memory-web-message-store.ts";
import { ScriptedCore } from "./web-demo-core.ts";

const clock: Clock = {
  now: () => new Date(),
  elapsedMs: () => performance.now(),
  sleep: (ms, signal) =>
    sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {}),
};

const silentLog: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (fields, sentence) => console.error(sentence, fields),
  child: () => silentLog,
};

export interface WebDemo {
  readonly url: string;
  readonly adminKey: string;
  readonly store: MemoryWebMessageStore;
  /** How long the scripted core waits between two pieces of an answer. */
  pieceMs: number;
  /** The next so many messages fail, as if the database were away. */
  failures: number;
  /** Every text the core was given, whatever came of it. */
  readonly heard: IncomingMessage[];
  stop(): Promise<void>;
}

/** Runs the real web chat and HTTP server with a core that follows a script. */
export async function startWebDemo(port = 0): Promise<WebDemo> {
  const core = new ScriptedCore();
  const adminKey = randomBytes(16).toString("hex");
  const store = new MemoryWebMessageStore();
  const adapter = new WebAdapter({
    store,
    panel: core,
    answers: null,
    sessionKey: randomBytes(32),
    adminKey,
    isSecure: false,
    isChatOpen: true,
    maskText: (text) => text.replace(/^(\/redeem)\s.*/s, "$1 ••••"),
    clock,
    log: silentLog,
  });
  const server = createHttpServer({
    host: "127.0.0.1",
    port,
    routes: adapter.routes,
    health: async () => ({ ready: true, parts: { web: "up" } }),
    metrics: async () => "",
    isBehindProxy: false,
    log: silentLog,
  });
  core.adapter = adapter;
  await adapter.start(core);
  const listening = await server.listen();
  return Object.assign(core.control, {
    url: `http://127.0.0.1:${listening.port}`,
    adminKey,
    store,
    heard: core.heard,
    stop: async () => {
      core.control.pieceMs = 0;
      await adapter.stop();
      await server.stop({ graceMs: 1000 });
    },
  });
}
