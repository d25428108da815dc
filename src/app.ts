import { type Core, createCore } from "./app/create-core.ts";
import { createStores, type Stores } from "./app/create-stores.ts";
import { createSweeps } from "./app/create-sweeps.ts";
import { createUpstreams, type Upstreams } from "./app/create-upstreams.ts";
import { Gateway } from "./app/gateway.ts";
import { readHealth } from "./app/read-health.ts";
import type { Config } from "./config.ts";
import { RuntimeSettings } from "./core/admin/runtime-settings.ts";
import { SendNotices } from "./core/admin/send-notices.ts";
import { ChatConnections } from "./core/chat/chat-connections.ts";
import type { Clock } from "./core/clock.ts";
import type { Logger } from "./core/log.ts";
import type { ReplyFeed } from "./core/reply-feed.ts";
import { textsFor } from "./core/texts/locales.ts";
import { createHttpServer, type HttpServer } from "./http/server.ts";
import { Metrics } from "./metrics.ts";
import type { SecretKey } from "./store/secret-key.ts";
import { loadO200kCounter } from "./upstreams/o200k-ranks.ts";
import { BullMqReplyQueue } from "./workers/bullmq-reply-queue.ts";
import { Periodic } from "./workers/periodic.ts";
import { createPgReplyFeed } from "./workers/pg-reply-feed.ts";
import { createQueueBackend } from "./workers/queue-backend.ts";
import { createRedisReplyFeed } from "./workers/redis-reply-feed.ts";
import { ReplyWorkers } from "./workers/worker-process.ts";

const QUEUE_LIMIT_MS = 60_000;
const HTTP_GRACE_MS = 3_000;
const DELIVERY_LIMIT_MS = 10_000;
const DELIVERY_POLL_MS = 50;
const DELIVERIES_LOOKED_AT = 100;

export interface AppParts {
  readonly config: Config;
  /** The database in use, migrated. */
  readonly databaseUrl: string;
  readonly secretKey: SecretKey;
  readonly clock: Clock;
  readonly log: Logger;
  /** Something happened that this process cannot mend: it should drain and end. */
  readonly onFatal: () => void;
}

export interface StartedApp {
  readonly port: number;
  /** What opens the admin chat in the browser; `null` where this process serves no chat. */
  readonly adminKey: string | null;
  /** What is wrong with a platform although it is configured, by name. */
  readonly problems: Readonly<Record<string, string>>;
}

/**
 * The whole program put together: this file and those in `app/` are the only place that knows every
 * part. Parts start in the order they need each other and stop in the reverse order.
 */
export class App {
  readonly #parts: AppParts;
  readonly #stores: Stores;
  readonly #runtime: RuntimeSettings;
  readonly #notices: SendNotices;
  readonly #upstreams: Upstreams;
  readonly #feed: ReplyFeed;
  readonly #backend: ReturnType<typeof createQueueBackend>;
  readonly #core: Core;
  /** `null` in a process that only generates. */
  readonly #gateway: Gateway | null;
  readonly #workers: ReplyWorkers;
  readonly #periodic: Periodic;
  readonly #http: HttpServer;
  #isStopping = false;
  #stopped: Promise<void> | null = null;

  constructor(parts: AppParts) {
    const { config, databaseUrl, secretKey, clock, log } = parts;
    const { role, redisUrl } = config;
    const stores = createStores(databaseUrl, clock, log);
    const metrics = new Metrics(() => stores.replies.countOpen());
    this.#parts = parts;
    this.#stores = stores;
    this.#runtime = new RuntimeSettings(stores.settings);
    this.#backend = createQueueBackend({ redisUrl, databaseUrl, log });
    this.#feed =
      redisUrl === null
        ? createPgReplyFeed({ pool: stores.pool, databaseUrl, log })
        : createRedisReplyFeed(redisUrl, log);
    const queue = new BullMqReplyQueue(this.#backend);
    const adminChats = () => this.#gateway?.listAdminChats() ?? [];
    this.#notices = new SendNotices(stores.accounts, stores.notices, queue, adminChats, log);
    const onKeyDead = (name: string, reason: string) => this.#tellKeyDead(parts, name, reason);
    const states = stores.upstreamStates;
    this.#upstreams = createUpstreams(config, { secretKey, states, onKeyDead, clock, log });
    this.#core = createCore({
      ...parts,
      stores,
      queue,
      feed: this.#feed,
      pool: this.#upstreams.pool,
      runtime: this.#runtime,
      notices: this.#notices,
      connections: () => this.#gateway?.connections ?? new ChatConnections([], () => false),
      metrics,
    });
    const core = this.#core;
    const workers = new ReplyWorkers({
      backend: this.#backend,
      log,
      generateReply: role === "gateway" ? null : core.generate,
      deliverReply: role === "worker" ? null : core.deliver,
    });
    this.#workers = workers;
    const deliverFor = workers.deliverFor.bind(workers);
    this.#gateway =
      role === "worker"
        ? null
        : new Gateway({
            ...parts,
            core,
            stores,
            notices: this.#notices,
            deliverFor,
            onLost: parts.onFatal,
          });
    this.#periodic = new Periodic(createSweeps(stores, core), clock, log);
    this.#http = createHttpServer({
      host: config.http.host,
      port: config.http.port,
      routes: this.#gateway?.routes ?? [],
      health: () => this.#readHealth(),
      metrics: () => metrics.render(),
      isBehindProxy: config.http.publicUrl?.startsWith("https:") ?? false,
      log,
    });
  }

  /** Resolves once everything runs. */
  async start(): Promise<StartedApp> {
    await this.#backend.waitForQueue(QUEUE_LIMIT_MS);
    await this.#feed.start();
    await this.#runtime.refresh();
    await this.#upstreams.pool.start();
    // Who only writes answers is ready when it can count: else its first ones would wait for that.
    if (this.#parts.config.role === "worker") await loadO200kCounter();
    this.#workers.start();
    await this.#gateway?.start();
    this.#periodic.start();
    const { port } = await this.#http.listen();
    return {
      port,
      adminKey: this.#gateway?.adminKey ?? null,
      problems: this.#gateway?.problems ?? {},
    };
  }

  /**
   * Not ready, then nothing new is taken, running answers finish for at most `timeoutMs`, and the
   * rest is left to the next process. Once `hurry` aborts nothing is waited for any more. Stopping
   * twice is stopping once.
   */
  stop(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs, hurry);
    return this.#stopped;
  }

  async #stop(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#isStopping = true;
    this.#core.dispatcher.stop();
    await this.#gateway?.stopListening();
    await this.#workers.stopGenerating({ timeoutMs, hurry });
    await this.#awaitDeliveries(hurry);
    await this.#workers.stop({ timeoutMs: DELIVERY_LIMIT_MS, hurry });
    await this.#periodic.stop();
    await this.#core.deliver.stop(hurry);
    await this.#gateway?.stop();
    await this.#http.stop({ graceMs: HTTP_GRACE_MS });
    await this.#upstreams.stop();
    await this.#feed.stop();
    await this.#backend.close();
    await this.#stores.stop();
  }

  /** What has just ended is still brought to its chat by this process, if that works soon. */
  async #awaitDeliveries(hurry: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const bots = this.#gateway?.connections.list() ?? [];
    const limitMs = clock.now().getTime() + DELIVERY_LIMIT_MS;
    while (!hurry.aborted && bots.length > 0 && clock.now().getTime() < limitMs) {
      const waiting = await this.#stores.outbox.listUndelivered(0, DELIVERIES_LOOKED_AT);
      const isOurs = ({ platform, bot }: { platform: string; bot: string }) =>
        this.#gateway?.connections.find(platform, bot) !== null;
      if (!waiting.some(isOurs)) return;
      await clock.sleep(DELIVERY_POLL_MS, hurry);
    }
  }

  #readHealth() {
    return readHealth({
      isStopping: this.#isStopping,
      stores: this.#stores,
      workers: this.#workers,
      owners: this.#gateway?.owners ?? [],
    });
  }

  async #tellKeyDead({ config, clock }: AppParts, name: string, reason: string): Promise<void> {
    const text = textsFor(config.chat.defaultLocale).keyDead(name, reason);
    await this.#notices.toAdmins(`key:${name}:${clock.now().toISOString()}`, text);
  }
}
