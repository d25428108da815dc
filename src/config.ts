import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { ConfigFile } from "./config/config-file.ts";
import { createOffer, type UpstreamConfig } from "./config/create-offer.ts";
import { Env } from "./config/env.ts";
import { readWechat, type WechatConfig } from "./config/wechat-env.ts";
import type { PlatformId } from "./core/admin/admin-access.ts";
import type { ChatSettings } from "./core/chat-settings.ts";
import type { Role } from "./core/conversation/role.ts";
import type { Model } from "./core/upstream/model-catalog.ts";

/** What the program runs with. A platform that is not configured is `null`, not half-built. */
export interface Config extends WechatConfig {
  readonly role: "all" | "gateway" | "worker";
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Without a slash at the end; `null` when nobody outside needs to reach us. */
    readonly publicUrl: string | null;
  };
  readonly dataDir: string;
  /** `null`: the program starts its own PostgreSQL. */
  readonly databaseUrl: string | null;
  /** `null`: the queue runs on Postgres. */
  readonly redisUrl: string | null;
  /** `null`: generated and kept in `dataDir`. */
  readonly secretKey: string | null;
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" };
  readonly drainTimeoutMs: number;
  /** Code of the ledger currency, e.g. "USD". */
  readonly currency: string;
  /** Empty: the built-in demo answers. */
  readonly upstreams: readonly UpstreamConfig[];
  readonly models: readonly Model[];
  readonly roles: readonly Role[];
  readonly chat: ChatSettings;
  readonly telegram: {
    readonly botToken: string;
    readonly apiRoot: string | null;
    readonly mode: "poll" | "webhook";
  } | null;
  readonly discord: {
    readonly botToken: string;
    readonly apiUrl: string | null;
    /** The operator's server, where admin commands are offered. */
    readonly guildId: string | null;
    /** Connections to Discord; `null` for one, "auto" for as many as it advises. */
    readonly shards: number | "auto" | null;
  } | null;
  readonly webChat: boolean;
  readonly adminChats: readonly PlatformId[];
  readonly adminUsers: readonly PlatformId[];
}

const CONFIG_FILE = "dianka.config.json";

/** Throws one error that names every missing or malformed variable and every fault of the file. */
export function readConfig(environment: NodeJS.ProcessEnv, directory: string): Config {
  // Docker Compose passes a variable left blank as "", which means unset.
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ""),
  );
  const faults: string[] = [];
  const env = collect(Env, given, "", faults);
  const file = readConfigFile(given.DIANKA_CONFIG, directory, faults);
  if (env === null || file === null) throw configError(faults);
  const offer = createOffer(env, file, given, faults);
  if (faults.length > 0) throw configError(faults);
  return {
    role: env.ROLE,
    http: {
      host: env.HOST,
      port: env.PORT,
      publicUrl: env.PUBLIC_URL?.replace(/\/+$/, "") ?? null,
    },
    dataDir: resolve(directory, env.DATA_DIR),
    databaseUrl: env.DATABASE_URL ?? null,
    redisUrl: env.REDIS_URL ?? null,
    secretKey: env.SECRET_KEY ?? null,
    log: { level: env.LOG_LEVEL },
    drainTimeoutMs: env.DRAIN_TIMEOUT_MS,
    currency: file.currency,
    ...offer,
    roles: file.roles,
    chat: {
      ...file.chat,
      trialMessages: env.TRIAL_MESSAGES,
      slowAnswerFreeAfterMs: env.SLOW_ANSWER_FREE_AFTER_MS ?? null,
    },
    telegram:
      env.TELEGRAM_BOT_TOKEN === undefined
        ? null
        : {
            botToken: env.TELEGRAM_BOT_TOKEN,
            apiRoot: env.TELEGRAM_API_ROOT?.replace(/\/+$/, "") ?? null,
            mode: env.TELEGRAM_MODE,
          },
    discord:
      env.DISCORD_BOT_TOKEN === undefined
        ? null
        : {
            botToken: env.DISCORD_BOT_TOKEN,
            apiUrl: env.DISCORD_API_URL ?? null,
            guildId: env.DISCORD_GUILD_ID ?? null,
            shards: env.DISCORD_SHARDS ?? null,
          },
    ...readWechat(env),
    webChat: env.WEB_CHAT ?? isLoopback(env.HOST),
    adminChats: env.ADMIN_CHATS,
    adminUsers: env.ADMIN_USERS,
  };
}

function readConfigFile(
  path: string | undefined,
  directory: string,
  faults: string[],
): ConfigFile | null {
  const name = path ?? CONFIG_FILE;
  let text: string;
  try {
    text = readFileSync(resolve(directory, name), "utf8");
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (path === undefined && isMissing) return ConfigFile.parse({});
    faults.push(
      `DIANKA_CONFIG: ${name} cannot be read: ${isMissing ? "there is no such file" : "no access"}`,
    );
    return null;
  }
  try {
    return collect(ConfigFile, JSON.parse(text), `${name}: `, faults);
  } catch (error) {
    faults.push(`${name}: not valid JSON: ${(error as Error).message}`);
    return null;
  }
}

/** The parsed value, or `null` with one line for each fault. Values are not repeated: some are secrets. */
function collect<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  prefix: string,
  faults: string[],
): z.output<Schema> | null {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    faults.push(`${prefix}${issue.path.map(String).join(".") || "file"}: ${issue.message}`);
  }
  return null;
}

function configError(faults: readonly string[]): Error {
  const lines = faults.map((fault) => `  - ${fault}`).join("\n");
  return new Error(`The configuration has ${faults.length} fault(s):\n${lines}`);
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
