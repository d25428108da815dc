import { z } from "zod";
import type { PlatformId } from "../core/admin/admin-access.ts";
import { checkWechat, wechatVariables } from "./wechat-env.ts";

const url = (protocols: RegExp, what: string) =>
  z.url({ protocol: protocols, error: `must be ${what}` });
const httpUrl = url(/^https?$/, "an http or https address");
const milliseconds = z.coerce
  .number({ error: "must be a number of milliseconds" })
  .int("must be a whole number of milliseconds")
  .min(0, "must not be negative")
  .max(24 * 60 * 60_000, "must be at most a day");
const list = z.string().transform((text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);
const platformIds = list.transform((parts, context): PlatformId[] =>
  parts.flatMap((part) => {
    const colon = part.indexOf(":");
    if (colon > 0 && colon < part.length - 1) {
      return [{ platform: part.slice(0, colon).toLowerCase(), id: part.slice(colon + 1) }];
    }
    context.addIssue({
      code: "custom",
      message: "each entry must be platform:id, e.g. telegram:42",
    });
    return [];
  }),
);
const onOff = z
  .enum(["on", "off", "true", "false", "yes", "no", "1", "0"], { error: "must be on or off" })
  .transform((word) => ["on", "true", "yes", "1"].includes(word));

/** Prices in and out per million tokens, e.g. "2.5/10". */
const price = z
  .string()
  .regex(
    /^\d{1,6}(\.\d{1,6})?\/\d{1,6}(\.\d{1,6})?$/,
    "must be two prices per million tokens, e.g. 2.5/10",
  );

/** Every variable of the environment; `.env.example` explains each. */
export const Env = z
  .object({
    PORT: z.coerce
      .number({ error: "must be a port number" })
      .int("must be a port number")
      .min(0, "must be a port number")
      .max(65_535, "must be at most 65535")
      .default(3000),
    HOST: z.string().default("127.0.0.1"),
    PUBLIC_URL: httpUrl.optional(),
    ROLE: z
      .enum(["all", "gateway", "worker"], { error: "must be all, gateway or worker" })
      .default("all"),
    DATA_DIR: z.string().default("./data"),
    DATABASE_URL: url(/^postgres(ql)?$/, "a postgres:// address").optional(),
    REDIS_URL: url(/^rediss?$/, "a redis:// address").optional(),
    SECRET_KEY: z.string().min(16, "must have at least 16 characters").optional(),
    OPENAI_API_KEY: list.optional(),
    OPENAI_BASE_URL: httpUrl.optional(),
    OPENAI_MODEL: list.optional(),
    OPENAI_PRICE: price.default("2.5/10"),
    DIANKA_CONFIG: z.string().optional(),
    TELEGRAM_BOT_TOKEN: z
      .string()
      .regex(/^\d+:[\w-]{10,}$/, "must look like 123456:ABC…, as @BotFather gives it")
      .optional(),
    TELEGRAM_API_ROOT: httpUrl.optional(),
    TELEGRAM_MODE: z
      .enum(["poll", "webhook"], { error: "must be poll or webhook" })
      .default("poll"),
    DISCORD_BOT_TOKEN: z
      .string()
      .min(20, "must be a bot token from the developer portal")
      .optional(),
    DISCORD_API_URL: httpUrl.optional(),
    DISCORD_GUILD_ID: z
      .string()
      .regex(/^\d{1,20}$/, "must be the id of a server")
      .optional(),
    DISCORD_SHARDS: z
      .literal("auto")
      .or(z.coerce.number().int().min(1).max(1_000))
      .or(z.never({ error: "must be auto or a number from 1 to 1000" }))
      .optional(),
    ...wechatVariables,
    WEB_CHAT: onOff.optional(),
    ADMIN_CHATS: platformIds.default([]),
    ADMIN_USERS: platformIds.default([]),
    TRIAL_MESSAGES: z.coerce
      .number({ error: "must be a number" })
      .int("must be a whole number")
      .min(0, "must not be negative")
      .max(1_000_000, "must be at most 1000000")
      .default(10),
    SLOW_ANSWER_FREE_AFTER_MS: milliseconds.optional(),
    DRAIN_TIMEOUT_MS: milliseconds.default(180_000),
    LOG_LEVEL: z
      .enum(["debug", "info", "warn", "error"], { error: "must be debug, info, warn or error" })
      .default("info"),
  })
  .superRefine((env, context) => {
    if (
      env.TELEGRAM_MODE === "webhook" &&
      env.TELEGRAM_BOT_TOKEN !== undefined &&
      !mayReceiveWebhooks(env.PUBLIC_URL)
    ) {
      context.addIssue({
        code: "custom",
        path: ["PUBLIC_URL"],
        message: "TELEGRAM_MODE=webhook needs an https address here (http only on this machine)",
      });
    }
    checkWechat(env, (name, message) =>
      context.addIssue({ code: "custom", path: [name], message }),
    );
    if (env.ROLE !== "all" && env.DATABASE_URL === undefined) {
      context.addIssue({
        code: "custom",
        path: ["DATABASE_URL"],
        message: `ROLE=${env.ROLE} shares its database with other processes, so it must be given`,
      });
    }
  });
export type Env = z.output<typeof Env>;

function mayReceiveWebhooks(publicUrl: string | undefined): boolean {
  if (publicUrl === undefined) return false;
  const { protocol, hostname } = new URL(publicUrl);
  const isLocal = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  return protocol === "https:" || isLocal;
}
