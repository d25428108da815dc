import type { Clock } from "../clock.ts";
import { OutsideError, UserError } from "../errors.ts";
import type { CompletionRequest } from "./upstream.ts";
import { orderByPreference } from "./upstream-choice.ts";
import { UpstreamError } from "./upstream-error.ts";
import type { UpstreamGrant, UpstreamLimiter } from "./upstream-limiter.ts";
import type { UpstreamMember } from "./upstream-member.ts";
import { type TryOutcome, WaitingLine } from "./waiting-line.ts";

/** How long one request waits in all for limits and cooldowns to give way. */
const WAIT_MS_MAX = 10_000;
const WAITERS_MAX = 1_000;
/** Further tries of one request are too late for the person, or too much for the providers. */
const TRIES_MAX = 8;
const FAILOVER_MS_MAX = 120_000;
const PARTY = "upstream-pool";

/** The right to make one call through one key. */
export interface Seat {
  readonly member: UpstreamMember;
  readonly grant: UpstreamGrant & { readonly granted: true };
  /** Every key that serves the model rests behind an open circuit; this one worked a moment ago. */
  readonly isLastResort: boolean;
}

/** How far one request has come in its search for an answer. */
export interface Search {
  readonly request: CompletionRequest;
  readonly startedAtMs: number;
  readonly failed: Set<UpstreamMember>;
  tries: number;
  waitedMs: number;
  lastError: OutsideError | null;
}

/** Finds keys for requests: the preferred one with room, or the first that gets room, in order. */
export class SeatSearch {
  readonly #members: readonly UpstreamMember[];
  readonly #limiter: UpstreamLimiter;
  readonly #clock: Clock;
  /** One line a model, only while someone stands in it. */
  readonly #lines = new Map<string, WaitingLine>();

  constructor(members: readonly UpstreamMember[], limiter: UpstreamLimiter, clock: Clock) {
    this.#members = members;
    this.#limiter = limiter;
    this.#clock = clock;
  }

  /** Throws `UserError("model_not_available")` when no key is configured for the model. */
  begin(request: CompletionRequest): Search {
    if (this.#serving(request.model).length === 0) {
      throw new UserError("model_not_available", { model: request.model });
    }
    const startedAtMs = this.#nowMs();
    return { request, startedAtMs, failed: new Set(), tries: 0, waitedMs: 0, lastError: null };
  }

  /** Returns `null` when the signal aborted. Throws what to tell when no key can be had. */
  async next(search: Search, signal: AbortSignal): Promise<Seat | null> {
    const isTooLate = this.#nowMs() - search.startedAtMs > FAILOVER_MS_MAX;
    if (search.lastError !== null && (search.tries >= TRIES_MAX || isTooLate)) {
      throw search.lastError;
    }
    const line = this.#lines.get(search.request.model);
    const outcome = line === undefined ? await this.#trySeat(search) : null;
    if (outcome?.kind === "hopeless") throw this.#explain(search);
    return outcome?.kind === "got" ? outcome.value : this.#wait(search, signal);
  }

  /** Some key may have got room. */
  wake(): void {
    for (const line of this.#lines.values()) line.wake();
  }

  async #wait(search: Search, signal: AbortSignal): Promise<Seat | null> {
    const { model } = search.request;
    const line = this.#lines.get(model) ?? new WaitingLine(this.#clock);
    this.#lines.set(model, line);
    if (line.length >= WAITERS_MAX) throw new OutsideError(PARTY, "rate_limited");
    const fromMs = this.#nowMs();
    try {
      const leftMs = WAIT_MS_MAX - search.waitedMs;
      const outcome = await line.waitFor(() => this.#trySeat(search), leftMs, signal);
      if (outcome.kind === "got") return outcome.value;
      if (outcome.kind === "aborted") return null;
      if (outcome.retryAfterMs === null) throw this.#explain(search);
      throw new OutsideError(PARTY, "rate_limited", { retryAfterMs: outcome.retryAfterMs });
    } finally {
      search.waitedMs += this.#nowMs() - fromMs;
      if (line.length === 0 && this.#lines.get(model) === line) this.#lines.delete(model);
    }
  }

  async #trySeat(search: Search): Promise<TryOutcome<Seat>> {
    const members = this.#serving(search.request.model);
    const candidates = members.filter((member) => !search.failed.has(member));
    const outcome = await this.#tryInTurn(search.request, candidates, false);
    // One key alone may rest: there is nothing to choose from, and whoever asks learns it at once.
    if (outcome.kind !== "hopeless" || members.length < 2) return outcome;
    return this.#tryInTurn(search.request, candidates, true);
  }

  async #tryInTurn(
    request: CompletionRequest,
    candidates: readonly UpstreamMember[],
    isLastResort: boolean,
  ): Promise<TryOutcome<Seat>> {
    const cost = { requests: 1, tokens: request.inputTokens + request.outputTokensMax } as const;
    let retryAtMs = Number.POSITIVE_INFINITY;
    for (const member of orderByPreference(candidates, request.stickyKey, this.#nowMs())) {
      const decision = member.health.decide(request.model, this.#nowMs(), isLastResort);
      if (!decision.mayCall) {
        retryAtMs = Math.min(retryAtMs, decision.untilMs ?? Number.POSITIVE_INFINITY);
        continue;
      }
      const grant = await this.#limiter.acquire(member.name, cost);
      member.noteFreeShare(grant.granted ? grant.freeShare : 0, this.#nowMs());
      if (grant.granted) return { kind: "got", value: { member, grant, isLastResort } };
      retryAtMs = Math.min(retryAtMs, this.#nowMs() + grant.retryAfterMs);
    }
    if (retryAtMs === Number.POSITIVE_INFINITY) return { kind: "hopeless" };
    return { kind: "wait", retryAfterMs: Math.max(1, retryAtMs - this.#nowMs()) };
  }

  /** Why no key can be called, where waiting does not help. */
  #explain(search: Search): Error {
    const { lastError } = search;
    const nowMs = this.#nowMs();
    const { model } = search.request;
    const isModelMissing = lastError instanceof UpstreamError && lastError.isModelMissing;
    if (lastError !== null && !isModelMissing) return lastError;
    const usable = this.#serving(model).filter((member) => {
      return !member.health.isDisabled && !member.health.isModelOff(model, nowMs);
    });
    if (usable.length === 0) return new UserError("model_not_available", { model });
    const isResting = usable.some((member) => member.health.deadReason === null);
    return new OutsideError(PARTY, isResting ? "overloaded" : "unauthorized");
  }

  #serving(model: string): readonly UpstreamMember[] {
    return this.#members.filter((member) => member.upstream.models.has(model));
  }

  #nowMs(): number {
    return this.#clock.now().getTime();
  }
}
