import {
  registerUpstreams,
  type UpstreamEntry,
  type UpstreamRegistry,
} from "../core/upstream/upstream-registry.ts";
import { EndpointDialects } from "./openai-request.ts";
import { OpenAiUpstream } from "./openai-upstream.ts";
import { createProxyFetch, type ProxyFetch } from "./proxy-fetch.ts";
import { balanceSourceOf } from "./read-balance.ts";
import { SharedTicker } from "./shared-ticker.ts";

/** As long as words of running answers are gathered: shorter than anybody sees. */
const GATHER_MS = 40;

/** The configured upstreams with the connections they share. */
export interface OpenAiUpstreams extends UpstreamRegistry {
  /** Breaks what still runs and closes all connections. */
  stop(): Promise<void>;
}

/** Makes the upstreams of all entries. Throws when a name or an address is not usable. */
export function createOpenAiUpstreams(entries: readonly UpstreamEntry[]): OpenAiUpstreams {
  const ways = new Map<string | null, ProxyFetch>();
  const ticker = new SharedTicker(GATHER_MS);
  const dialects = new Map<UpstreamEntry, EndpointDialects>();
  const registry = registerUpstreams(entries, (name, key, entry) => {
    const way = ways.get(entry.proxy) ?? createProxyFetch(entry.proxy);
    ways.set(entry.proxy, way);
    const learnt = dialects.get(entry) ?? new EndpointDialects();
    dialects.set(entry, learnt);
    return new OpenAiUpstream({
      name,
      baseUrl: entry.baseUrl,
      key,
      models: new Map(Object.entries(entry.models)),
      timeouts: entry.timeouts,
      balance: entry.balance ?? balanceSourceOf(entry.baseUrl),
      way,
      dialects: learnt,
      ticker,
    });
  });
  return {
    ...registry,
    stop: async () => {
      await Promise.all([...ways.values()].map((way) => way.close()));
    },
  };
}
