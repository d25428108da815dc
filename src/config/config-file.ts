import { z } from "zod";
import { parsePrice } from "../core/billing/amount.ts";

/** A decimal string of the ledger currency, as micros. */
const price = z.string().transform((text, context) => {
  try {
    return parsePrice(text) as bigint;
  } catch {
    context.addIssue({ code: "custom", message: 'must be a decimal string such as "0.25"' });
    return z.NEVER;
  }
});
const name = z.string().trim().min(1).max(80);
const count = z.number().int().positive();
const limits = z.strictObject({
  requestsPerMinute: count.nullable().default(null),
  tokensPerMinute: count.nullable().default(null),
  concurrent: count.nullable().default(null),
});
const timeouts = z.strictObject({
  firstByteMs: count.default(60_000),
  betweenChunksMs: count.default(45_000),
  wholeMs: count.default(600_000),
});

export const UpstreamEntry = z.strictObject({
  name: name.regex(/^[^#\s]+$/, 'must not contain spaces or "#"'),
  baseUrl: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
  /** Each "env:NAME", "sealed:v1:…" or the key itself. */
  keys: z.array(z.string().min(1)).min(1),
  /** Names as customers know them → the upstream's own. */
  models: z
    .record(name, name)
    .refine((models) => Object.keys(models).length > 0, "must name a model"),
  weight: z.number().positive().max(1_000).default(1),
  priority: z.number().int().min(0).max(1_000).default(0),
  proxy: z
    .url({ protocol: /^(https?|socks5)$/, error: "must be an http, https or socks5 address" })
    .nullable()
    .default(null),
  limits: limits.default(limits.parse({})),
  timeouts: timeouts.default(timeouts.parse({})),
  balance: z.enum(["openrouter", "deepseek", "new-api"]).nullable().default(null),
});
export type UpstreamEntry = z.output<typeof UpstreamEntry>;

const ModelEntry = z.strictObject({
  name,
  input: price.optional(),
  cachedInput: price.optional(),
  output: price.optional(),
  /** `null`: it cannot be paid in messages. */
  messageCost: z.number().int().min(0).max(1_000_000).nullable().optional(),
  /** What the operator pays; without it the shipped list price or the selling price. */
  cost: z.strictObject({ input: price, cachedInput: price.optional(), output: price }).optional(),
  contextTokens: z.number().int().min(1_000).max(100_000_000).optional(),
  outputTokensMax: z.number().int().min(16).max(1_000_000).optional(),
  images: z.boolean().optional(),
});
export type ModelEntry = z.output<typeof ModelEntry>;

const RoleEntry = z.strictObject({
  name: name.regex(/^[\w-]+$/, "must be one word"),
  title: z.record(z.string(), z.string()).default({}),
  prompt: z.string().min(1).max(20_000),
});

const Chat = z.strictObject({
  burstMs: z.number().int().min(0).max(10_000).default(1_200),
  runningRepliesMax: z.number().int().min(1).max(100).default(1),
  openRepliesMax: z.number().int().min(1).max(1_000).default(20),
  receipt: z.boolean().default(true),
  groupContext: z.enum(["person", "chat"]).default("person"),
  questionLengthMax: z.number().int().min(100).max(1_000_000).default(32_000),
  contextTokensMax: z.number().int().min(1_000).max(100_000_000).default(16_000),
  questionsPerMinuteMax: z.number().int().min(1).max(10_000).default(30),
  commandsPerMinuteMax: z.number().int().min(1).max(10_000).default(60),
  attachmentBytesMax: z.number().int().min(1_000).max(20_000_000).default(5_000_000),
  defaultLocale: z.enum(["en", "zh"]).default("en"),
  topUp: z.record(z.string(), z.string().max(2_000)).default({}),
});

/** The configuration file, all parts optional. Its schema is published in docs/config.schema.json. */
export const ConfigFile = z.strictObject({
  $schema: z.string().optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3,5}$/, "must be a currency code such as USD")
    .default("USD"),
  upstreams: z.array(UpstreamEntry).default([]),
  models: z.array(ModelEntry).default([]),
  roles: z.array(RoleEntry).default([]),
  chat: Chat.default(Chat.parse({})),
});
export type ConfigFile = z.output<typeof ConfigFile>;
