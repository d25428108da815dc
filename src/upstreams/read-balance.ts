import { z } from "zod";
import { UpstreamError } from "../core/upstream/upstream-error.ts";
import type { BalanceSource } from "../core/upstream/upstream-registry.ts";
import { translateBody } from "./openai-errors.ts";

const TIMEOUT_MS = 15_000;
/** What new-api and one-api report for a token without limit. */
const NEW_API_UNLIMITED = 100_000_000;

/** Where and as whom to ask. */
export interface BalanceAccess {
  readonly upstream: string;
  readonly baseUrl: string;
  readonly key: string;
  readonly fetch: typeof fetch;
}

// https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key
const OpenRouterKey = z.object({ data: z.object({ limit_remaining: z.number().nullable() }) });
// https://openrouter.ai/docs/api/api-reference/credits/get-credits (only with a management key)
const OpenRouterCredits = z.object({
  data: z.object({ total_credits: z.number(), total_usage: z.number() }),
});
// https://api-docs.deepseek.com/api/get-user-balance
const DeepSeekBalance = z.object({
  balance_infos: z.array(z.object({ currency: z.string(), total_balance: z.string() })),
});
// https://docs.newapi.pro/api/fei-account-billing-panel
const NewApiSubscription = z.object({ hard_limit_usd: z.number() });
const NewApiUsage = z.object({ total_usage: z.number() });

/** The source for providers that are known by their host; others are not asked. */
export function balanceSourceOf(baseUrl: string): BalanceSource | null {
  const { hostname } = new URL(baseUrl);
  if (hostname === "openrouter.ai") return "openrouter";
  return hostname === "api.deepseek.com" ? "deepseek" : null;
}

/** What is left, as text with its currency; `null` where the key has no limit of its own. */
export async function readBalance(
  source: BalanceSource,
  access: BalanceAccess,
  signal: AbortSignal,
): Promise<string | null> {
  const read = <T>(path: string, shape: z.ZodType<T>) => readJson(access, path, shape, signal);
  const base = access.baseUrl.replace(/\/+$/, "");
  if (source === "deepseek") {
    const { balance_infos } = await read(`${new URL(base).origin}/user/balance`, DeepSeekBalance);
    return (
      balance_infos.map((info) => `${info.total_balance} ${info.currency}`).join(" + ") || null
    );
  }
  if (source === "new-api") {
    const { hard_limit_usd } = await read(
      `${base}/dashboard/billing/subscription`,
      NewApiSubscription,
    );
    const { total_usage } = await read(`${base}/dashboard/billing/usage`, NewApiUsage);
    // The usage comes in hundredths, and the currency is what the site's owner chose to show.
    const left = hard_limit_usd - total_usage / 100;
    return hard_limit_usd >= NEW_API_UNLIMITED ? null : left.toFixed(2);
  }
  const { data } = await read(`${base}/key`, OpenRouterKey);
  if (data.limit_remaining !== null) return `${data.limit_remaining.toFixed(2)} USD`;
  const credits = await read(`${base}/credits`, OpenRouterCredits);
  return `${(credits.data.total_credits - credits.data.total_usage).toFixed(2)} USD`;
}

async function readJson<T>(
  access: BalanceAccess,
  url: string,
  shape: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const response = await access.fetch(url, {
    headers: { authorization: `Bearer ${access.key}`, accept: "application/json" },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw translateBody(access.upstream, body, response.status);
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new UpstreamError(access.upstream, "rejected", { code: "unexpected_balance" });
}
