import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedPostgres } from "../../src/store/embedded-postgres.ts";
import { RedisServer } from "../../test/fakes/redis-server.ts";
import { RunningProgram } from "../../test/fakes/running-program.ts";
import { TelegramServer } from "../../test/fakes/telegram-server.ts";
import { ModelServer } from "./model-server.ts";

const ARRIVAL_LIMIT_MS = 60_000;
const CONFIG = {
  models: [{ name: "bench", input: "1", output: "2", messageCost: 1 }],
  chat: {
    // What is measured is our own time, not the wait for the rest of a thought.
    burstMs: 0,
    openRepliesMax: 1000,
    questionsPerMinuteMax: 10_000,
    runningRepliesMax: 1,
  },
};

/** A PostgreSQL, a Redis, Telegram and a model on loopback, and the program in processes between them. */
export class BenchProgram implements AsyncDisposable {
  readonly telegram: TelegramServer;
  readonly model: ModelServer;
  readonly redis: RedisServer;
  readonly #folder: string;
  readonly #postgres: EmbeddedPostgres;
  #programs: RunningProgram[] = [];
  #questions = 0;

  private constructor(
    folder: string,
    parts: {
      postgres: EmbeddedPostgres;
      redis: RedisServer;
      telegram: TelegramServer;
      model: ModelServer;
    },
  ) {
    this.#folder = folder;
    this.#postgres = parts.postgres;
    this.redis = parts.redis;
    this.telegram = parts.telegram;
    this.model = parts.model;
  }

  static async create(): Promise<BenchProgram> {
    const folder = await mkdtemp(join(tmpdir(), "dianka-bench-"));
    await writeFile(join(folder, "config.json"), JSON.stringify(CONFIG));
    return new BenchProgram(folder, {
      postgres: await EmbeddedPostgres.start({ dataDir: join(folder, "data") }),
      redis: await RedisServer.start(),
      // Telegram's own limits would hide ours.
      telegram: await TelegramServer.start({ settings: { rateLimits: false } }),
      model: await ModelServer.start(),
    });
  }

  get databaseUrl(): string {
    return this.#postgres.url;
  }

  /** Starts a process for each role; those that run are stopped before. */
  async run(roles: readonly ("all" | "gateway" | "worker")[]): Promise<void> {
    await this.#stopPrograms();
    for (const role of roles) {
      this.#programs.push(
        await RunningProgram.start({
          ROLE: role,
          DATABASE_URL: this.#postgres.url,
          REDIS_URL: this.redis.url,
          SECRET_KEY: "only-for-this-benchmark",
          DIANKA_CONFIG: join(this.#folder, "config.json"),
          TELEGRAM_BOT_TOKEN: this.telegram.token,
          TELEGRAM_API_ROOT: this.telegram.url,
          OPENAI_API_KEY: "sk-bench",
          OPENAI_BASE_URL: this.model.url,
          OPENAI_MODEL: "bench",
          TRIAL_MESSAGES: "1000000",
          LOG_LEVEL: "error",
        }),
      );
    }
  }

  /** The person writes a question; resolves with how long it took to reach the model. */
  async ask(person: number): Promise<number> {
    return await this.post(person).arrived;
  }

  post(person: number): { readonly arrived: Promise<number> } {
    this.#questions += 1;
    const question = `question-${this.#questions}`;
    const sentAtMs = performance.now();
    this.telegram.user(person).writes(`${question} please`);
    return { arrived: this.#arrival(question, sentAtMs) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopPrograms();
    await this.model[Symbol.asyncDispose]();
    await this.telegram.stop();
    await this.redis[Symbol.asyncDispose]();
    await this.#postgres.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #stopPrograms(): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    this.#programs = [];
  }

  async #arrival(question: string, sentAtMs: number): Promise<number> {
    for (;;) {
      const atMs = this.model.arrivedAtMs.get(question);
      if (atMs !== undefined) return atMs - sentAtMs;
      if (performance.now() - sentAtMs > ARRIVAL_LIMIT_MS) throw new Error(`${question} was lost`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
