import { MemoryUpstreamLimiter } from "../../src/core/upstream/memory-upstream-limiter.ts";
import type { CompletionEvent, CompletionRequest } from "../../src/core/upstream/upstream.ts";
import { UNLIMITED, type UpstreamLimits } from "../../src/core/upstream/upstream-limiter.ts";
import type { PooledUpstream } from "../../src/core/upstream/upstream-member.ts";
import { UpstreamPool } from "../../src/core/upstream/upstream-pool.ts";
import { FakeClock } from "./fake-clock.ts";
import type { FakeUpstream } from "./fake-upstream.ts";
import { MemoryUpstreamStateStore } from "./memory-upstream-state-store.ts";
import { RecordedLog } from "./recorded-log.ts";

export interface PoolMemberSetup {
  readonly upstream: FakeUpstream;
  readonly weight?: number;
  readonly priority?: number;
  readonly limits?: Partial<UpstreamLimits>;
}

/** A pool of fake upstreams with all that it needs, in memory and on a clock that tests move. */
export class TestUpstreamPool {
  readonly clock: FakeClock;
  readonly states: MemoryUpstreamStateStore;
  readonly log = new RecordedLog();
  readonly limiter: MemoryUpstreamLimiter;
  readonly pool: UpstreamPool;
  /** What was told of dead keys, as "name: reason". */
  readonly notices: string[] = [];

  constructor(
    members: readonly (PoolMemberSetup | FakeUpstream)[],
    shared: { readonly clock?: FakeClock; readonly states?: MemoryUpstreamStateStore } = {},
  ) {
    this.clock = shared.clock ?? new FakeClock();
    this.states = shared.states ?? new MemoryUpstreamStateStore();
    const upstreams = members.map(poolUpstream);
    const limits = new Map(upstreams.map(({ upstream, limits }) => [upstream.name, limits]));
    this.limiter = new MemoryUpstreamLimiter(limits, this.clock);
    this.pool = new UpstreamPool(upstreams, {
      limiter: this.limiter,
      states: this.states,
      clock: this.clock,
      log: this.log,
      onKeyDead: async (name, reason) => {
        this.notices.push(`${name}: ${reason}`);
      },
      random: () => 0.5,
    });
  }

  /** Asks and reads the answer to its end. */
  async ask(
    request: Partial<CompletionRequest> = {},
    signal = new AbortController().signal,
  ): Promise<CompletionEvent[]> {
    const events: CompletionEvent[] = [];
    for await (const event of this.pool.complete(question(request), signal)) events.push(event);
    return events;
  }

  /** Asks and returns the name of the upstream that answered. */
  async askWho(request: Partial<CompletionRequest> = {}): Promise<string> {
    const [first] = await this.ask(request);
    return first?.type === "source" ? first.source.upstream : "nobody";
  }
}

export function question(request: Partial<CompletionRequest> = {}): CompletionRequest {
  return {
    model: "m",
    turns: [{ role: "user", text: "Hi", images: [] }],
    inputTokens: 10,
    outputTokensMax: 90,
    stickyKey: "person",
    ...request,
  };
}

function poolUpstream(setup: PoolMemberSetup | FakeUpstream): PooledUpstream {
  const { upstream, weight, priority, limits }: PoolMemberSetup =
    "upstream" in setup ? setup : { upstream: setup };
  return {
    upstream,
    weight: weight ?? 1,
    priority: priority ?? 0,
    limits: { ...UNLIMITED, ...limits },
  };
}
