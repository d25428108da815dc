import type { Upstream } from "./upstream.ts";
import type { UpstreamLimits } from "./upstream-limiter.ts";
import type { PooledUpstream } from "./upstream-member.ts";

/** How long a call may take, in milliseconds. */
export interface UpstreamTimeouts {
  /** From the request to the first byte of the answer. */
  readonly firstByteMs: number;
  /** Between two bytes of the answer. */
  readonly betweenChunksMs: number;
  /** From the request to the last byte. */
  readonly wholeMs: number;
}

export const DEFAULT_TIMEOUTS: UpstreamTimeouts = {
  firstByteMs: 60_000,
  betweenChunksMs: 45_000,
  wholeMs: 600_000,
};

/** Whose way of telling what is left on a key. */
export type BalanceSource = "openrouter" | "deepseek" | "new-api";

/** One endpoint as an operator configures it, with all its keys in clear. */
export interface UpstreamEntry {
  readonly name: string;
  readonly baseUrl: string;
  readonly keys: readonly string[];
  /** From the names customers know to those of the endpoint. */
  readonly models: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly priority: number;
  /** "http://…", "https://…" or "socks5://…"; `null` for a direct connection. */
  readonly proxy: string | null;
  /** Of each key, not of all together. */
  readonly limits: UpstreamLimits;
  readonly timeouts: UpstreamTimeouts;
  /** `null`: only asked where the provider is known by its host. */
  readonly balance: BalanceSource | null;
}

/** Everything that a pool and its limiter need to know of the configured keys. */
export interface UpstreamRegistry {
  readonly upstreams: readonly PooledUpstream[];
  /** By the name of the key. */
  readonly limits: ReadonlyMap<string, UpstreamLimits>;
}

/**
 * Makes one upstream of each key and gives it its public name: that of its entry, and where an entry
 * has several keys "main#1", "main#2". Throws when two would have the same name.
 */
export function registerUpstreams(
  entries: readonly UpstreamEntry[],
  createUpstream: (name: string, key: string, entry: UpstreamEntry) => Upstream,
): UpstreamRegistry {
  const upstreams: PooledUpstream[] = [];
  const limits = new Map<string, UpstreamLimits>();
  for (const entry of entries) {
    const keys = [...new Set(entry.keys)];
    for (const [index, key] of keys.entries()) {
      const name = keys.length === 1 ? entry.name : `${entry.name}#${index + 1}`;
      if (limits.has(name)) throw new Error(`Two upstreams have the same name: ${name}`);
      limits.set(name, entry.limits);
      const upstream = createUpstream(name, key, entry);
      const { weight, priority } = entry;
      upstreams.push({ upstream, weight, priority, limits: entry.limits });
    }
  }
  return { upstreams, limits };
}
