import type { UpstreamCondition } from "./upstream-condition.ts";
import type { UpstreamLimits, UpstreamUse } from "./upstream-limiter.ts";
import type { UpstreamMember } from "./upstream-member.ts";
import type { UpstreamState } from "./upstream-state-store.ts";

/** Someone in a lively chat asks about this often. */
const QUESTIONS_PER_MINUTE = 1;
/** Assumed until the key has answered something. */
const TOKENS_PER_QUESTION = 1_500;
const ANSWER_MS = 10_000;

/** All an operator may want to know about one key. Never the key itself. */
export interface UpstreamReport {
  readonly name: string;
  readonly models: readonly string[];
  /** Models that the provider says it does not serve; asked again after ten minutes. */
  readonly modelsOff: readonly string[];
  readonly condition: UpstreamCondition;
  readonly limits: UpstreamLimits;
  /** Calls running now and use of the last minute, by all workers that share the limiter. */
  readonly use: UpstreamUse;
  /** Since this process started. */
  readonly successes: number;
  readonly errors: number;
  readonly lastOkAt: Date | null;
  readonly lastErrorAt: Date | null;
  /** Running average of the time to the first word. */
  readonly firstWordMs: number | null;
  /** People who asked through this key in the last ten minutes. */
  readonly stickyPeople: number;
  /** How many more people in a lively chat its limits have room for; `null` when without limits. */
  readonly morePeople: number | null;
  /** As the provider told it at the last check. */
  readonly balance: string | null;
}

export function reportUpstream(
  member: UpstreamMember,
  use: UpstreamUse,
  stored: UpstreamState | null,
  balance: string | null,
  now: Date,
): UpstreamReport {
  const { health } = member;
  const nowMs = now.getTime();
  const models = [...member.upstream.models];
  return {
    name: member.name,
    models,
    modelsOff: models.filter((model) => health.isModelOff(model, nowMs)),
    condition: health.condition(nowMs),
    limits: member.limits,
    use,
    successes: health.successes,
    errors: health.errors,
    lastOkAt: later(health.lastOk, stored?.lastOkAt ?? null),
    lastErrorAt: later(health.lastError, stored?.lastErrorAt ?? null),
    firstWordMs: health.averages.firstWordMs,
    stickyPeople: member.countPeople(nowMs),
    morePeople: estimateMorePeople(member, use),
    balance,
  };
}

function estimateMorePeople(member: UpstreamMember, use: UpstreamUse): number | null {
  const { requestsPerMinute, tokensPerMinute, concurrent } = member.limits;
  const tokens = member.tokensPerCall ?? TOKENS_PER_QUESTION;
  const answerMs = member.health.averages.callMs ?? ANSWER_MS;
  const room = Math.min(
    people(requestsPerMinute, use.requests, QUESTIONS_PER_MINUTE),
    people(tokensPerMinute, use.tokens, QUESTIONS_PER_MINUTE * tokens),
    people(concurrent, use.inFlight, (QUESTIONS_PER_MINUTE * answerMs) / 60_000),
  );
  return Number.isFinite(room) ? Math.floor(room) : null;
}

/** How many people fit into what is left of one limit. */
function people(limit: number | null, used: number, perPerson: number): number {
  if (limit === null || perPerson <= 0) return Number.POSITIVE_INFINITY;
  return Math.max(0, limit - used) / perPerson;
}

function later(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}
