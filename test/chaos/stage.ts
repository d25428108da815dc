import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { type Behaviour, tokensOf } from "../fakes/openai-behaviour.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";
import { WitnessUpstream } from "../fakes/witness-upstream.ts";
import type { Backend, Machine } from "./machine.ts";
import { onRedis } from "./on-redis.ts";
import { openAccount } from "./open-account.ts";
import type { Question, ReplyRow } from "./question.ts";
import type { Random } from "./random.ts";
import { dropRefused } from "./refusals.ts";
import { describeUnfinished } from "./unfinished.ts";
import { waitFor } from "./wait-for.ts";

export const SECRET_KEY = "chaos secret of all processes";
const MODEL = "gpt-test";
const POLL_MS = 100;
const SETTLED_MS = 300;
const HANG: Behaviour = { fault: { type: "hang" } };

export interface StageOptions {
  readonly machine: Machine;
  readonly backend: Backend;
  readonly random: Random;
  /** How an upstream is configured beside its address: limits, time-outs, priority. */
  readonly upstreams?: readonly Readonly<Record<string, unknown>>[];
  readonly keys?: readonly string[];
  readonly concurrentMax?: number;
  /** Keys that take questions and say nothing. */
  readonly hangingKeys?: readonly string[];
  readonly chat?: Readonly<Record<string, unknown>>;
  /** The programs reach the database through the machine's proxy, so that it can be taken away. */
  readonly isBreakable?: boolean;
  /** In the environment of every program. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * The whole program in processes of its own, with a Telegram and an upstream on this machine and
 * people who ask questions. Everything of one fault happens on one stage.
 */
export class Stage implements AsyncDisposable {
  readonly telegram: TelegramServer;
  readonly upstream: WitnessUpstream;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
  readonly random: Random;
  readonly options: StageOptions;
  readonly questions: Question[] = [];
  /** Not taken, and the person was told so. */
  readonly refused: Question[] = [];
  readonly programs: RunningProgram[] = [];
  /** A word in every question: it must not show up in any log. */
  readonly secretWord: string;
  /** People whose chat was closed to us or changed by themselves: what it shows tells nothing. */
  readonly gone = new Set<number>();
  readonly #bySource: Map<string, Question>;
  readonly #configFile: string;
  readonly #accounts = new Map<number, string>();
  readonly #behaviours: Map<string, Behaviour>;
  #people = 1000;

  private constructor(
    options: StageOptions,
    parts: {
      telegram: TelegramServer;
      upstream: WitnessUpstream;
      databaseUrl: string;
      redisUrl: string | null;
      configFile: string;
      behaviours: Map<string, Behaviour>;
    },
  ) {
    this.options = options;
    this.random = options.random;
    this.telegram = parts.telegram;
    this.upstream = parts.upstream;
    this.databaseUrl = parts.databaseUrl;
    this.redisUrl = parts.redisUrl;
    this.secretWord = `quokka${options.random.below(1_000_000)}`;
    this.#configFile = parts.configFile;
    this.#behaviours = parts.behaviours;
    this.#bySource = new Map();
    this.pool = createPgPool(parts.databaseUrl, { max: 4, applicationName: "chaos" });
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { machine, backend, keys = ["sk-chaos-1"], concurrentMax, hangingKeys } = options;
    const behaviours = new Map<string, Behaviour>();
    const upstream = await WitnessUpstream.start({
      keys,
      // The pool looks after its keys with a question of its own.
      script: (question, { key }) =>
        hangingKeys?.includes(key) ? HANG : (behaviours.get(question) ?? { tokens: 1 }),
      ...(concurrentMax !== undefined && { concurrentMax }),
    });
    const telegram = await TelegramServer.start();
    const proxied = await machine.createDatabase();
    const databaseUrl = options.isBreakable === true ? proxied : machine.directly(proxied);
    const redisUrl = backend === "redis" ? (machine.redis?.url ?? null) : null;
    if (redisUrl !== null) await onRedis(redisUrl, (redis) => redis.flushall());
    const configFile = join(machine.folder, `config-${performance.now()}.json`);
    const entry = { baseUrl: upstream.url, keys, models: { [MODEL]: MODEL } };
    const upstreams = (options.upstreams ?? [{}]).map((given, index) => {
      return { name: `main-${index + 1}`, ...entry, ...given };
    });
    const chat = { burstMs: 0, questionsPerMinuteMax: 10_000, ...options.chat };
    await writeFile(configFile, JSON.stringify({ upstreams, chat }));
    const parts = { telegram, upstream, databaseUrl, redisUrl, configFile, behaviours };
    return new Stage(options, parts);
  }

  get bot(): string {
    return String(this.telegram.botId);
  }

  /** Everything that must stay out of logs. */
  get secrets(): readonly string[] {
    const { keys = ["sk-chaos-1"] } = this.options;
    return [...keys, this.telegram.token, SECRET_KEY, this.secretWord];
  }

  environment(role: string): Record<string, string> {
    return {
      ROLE: role,
      DATABASE_URL: this.databaseUrl,
      ...(this.redisUrl !== null && { REDIS_URL: this.redisUrl }),
      TELEGRAM_BOT_TOKEN: this.telegram.token,
      TELEGRAM_API_ROOT: this.telegram.url,
      DIANKA_CONFIG: this.#configFile,
      SECRET_KEY,
      TRIAL_MESSAGES: "0",
      WEB_CHAT: "off",
      ...this.options.environment,
    };
  }

  /** Starts one process and waits until it is ready. */
  async start(role: "all" | "gateway" | "worker", more: Record<string, string> = {}) {
    const program = await RunningProgram.start({ ...this.environment(role), ...more });
    this.programs.push(program);
    return program;
  }

  /** kill -9, and waits until it is gone. */
  async kill(program: RunningProgram): Promise<void> {
    program.signal("SIGKILL");
    await program.ended();
  }

  /** People with an account and credit, ready to ask. Returns their ids on Telegram. */
  async addPeople(count: number, credit?: bigint): Promise<number[]> {
    const { pool, bot, telegram } = this;
    const people = Array.from({ length: count }, () => {
      this.#people += 1;
      return this.#people;
    });
    for (const person of people) {
      telegram.user(person);
      this.#accounts.set(person, await openAccount(pool, bot, person, credit));
    }
    return people;
  }

  get people(): readonly number[] {
    return [...this.#accounts.keys()];
  }

  /** Answers that are being streamed at this moment. */
  get streaming(): number {
    return this.upstream.calls.filter(({ end, emitted }) => end === "running" && emitted > 2)
      .length;
  }

  accountOf(person: number): string {
    const account = this.#accounts.get(person);
    if (account === undefined) throw new Error(`there is no person ${person}`);
    return account;
  }

  /** The person writes a question of their own, which the upstream answers as `play` says. */
  ask(person: number, play: Behaviour, options: { readonly isWhole?: boolean } = {}): Question {
    const isWhole = options.isWhole ?? play.fault === undefined;
    const text = `${this.secretWord} question ${this.questions.length + 1}`;
    this.#behaviours.set(text, play);
    const messageId = String(this.telegram.user(person).writes(text));
    const askedAtMs = performance.now();
    const question = { person, text, messageId, play, askedAtMs, isAnswered: false, isWhole };
    this.questions.push(question);
    this.#bySource.set(`${person}:${messageId}`, question);
    return question;
  }

  /** From now on the question is answered in another way. */
  change(question: Question, play: Behaviour): void {
    this.#behaviours.set(question.text, play);
  }

  /** Replies of the questions asked, by `<person>:<message>`. */
  async readReplies(): Promise<Map<string, ReplyRow>> {
    const { rows } = await this.pool.query<ReplyRow & { source: string }>(
      `SELECT r.*, s.message_id AS source FROM reply_source s JOIN reply r ON r.id = s.reply_id
       WHERE s.platform = 'telegram'`,
    );
    return new Map(rows.map((row) => [`${row.channel}:${row.source}`, row]));
  }

  /** Notes which questions were brought to an end, and returns how many of all. */
  async countAnswered(): Promise<number> {
    const { rows } = await this.pool.query<{ channel: string; message_id: string }>(
      `SELECT s.channel, s.message_id FROM reply_source s JOIN reply r ON r.id = s.reply_id
       WHERE r.delivered_at IS NOT NULL`,
    );
    for (const { channel, message_id } of rows) {
      const question = this.#bySource.get(`${channel}:${message_id}`);
      if (question !== undefined) question.isAnswered = true;
    }
    return rows.length;
  }

  /** Waits until every question was brought to an end and nothing else is open. Throws when it takes too long. */
  async settle(limitMs: number): Promise<void> {
    const isQuiet = async () => {
      await this.countAnswered();
      await dropRefused(this);
      if (this.questions.some(({ isAnswered }) => !isAnswered)) return false;
      const { rows } = await this.pool.query("SELECT 1 FROM reply WHERE delivered_at IS NULL");
      return rows.length === 0;
    };
    const what = `all ${this.questions.length} questions are answered`;
    try {
      await waitFor(what, () => isQuiet().catch(() => false), limitMs, POLL_MS);
    } catch (error) {
      throw new Error(`${error}\n${await describeUnfinished(this)}`);
    }
    // The queue hears of the end of a job a moment after the database does.
    await sleep(SETTLED_MS);
  }

  botMessages(person: number) {
    return this.telegram.messages(person).filter(({ isBot }) => isBot);
  }

  /** What the upstream says when nothing goes wrong. */
  expectedText({ play }: Pick<Question, "play">): string {
    return tokensOf(play).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.programs.map((program) => program[Symbol.asyncDispose]()));
    await this.telegram.stop();
    await this.upstream[Symbol.asyncDispose]();
    if (!this.pool.ended) await this.pool.end();
  }
}
