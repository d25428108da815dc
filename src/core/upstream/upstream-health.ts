import type { OutsideError } from "../errors.ts";
import type {
  CallDecision,
  FailureEffect,
  HealthCall,
  UpstreamCondition,
} from "./upstream-condition.ts";
import { UpstreamError } from "./upstream-error.ts";
import { RUNNING_RETRY_MS } from "./upstream-limiter.ts";

const ERRORS_IN_ROW_MAX = 3;
const CIRCUIT_MS_MIN = 30_000;
const CIRCUIT_MS_MAX = 300_000;
const COOLDOWN_MS_MIN = 2_000;
const COOLDOWN_MS_MAX = 60_000;
const MODEL_OFF_MS = 600_000;
/** A key that worked so short a time ago is not down, whatever its last calls say. */
const FLAKY_MS = 30_000;
/** Weight of the newest value in running averages. */
const NEWEST = 0.2;

/**
 * Whether one key may be called, learnt from how its calls end. A key cools down after a 429, is dead
 * once its provider refuses it, and rests behind an open circuit after three errors in a row, from
 * 30 seconds up to 5 minutes; then exactly one call is let through to see.
 */
export class UpstreamHealth {
  readonly #random: () => number;
  readonly #modelsOff = new Map<string, number>();
  #isDisabled = false;
  #deadReason: string | null = null;
  #isSuspect = false;
  #coolUntilMs = 0;
  #cooldownsInRow = 0;
  #errorsInRow = 0;
  #openUntilMs: number | null = null;
  #openMs = CIRCUIT_MS_MIN;
  #probe: HealthCall | null = null;
  #running = 0;
  #successes = 0;
  #errors = 0;
  #lastOkMs: number | null = null;
  #lastErrorMs: number | null = null;
  #firstWordMs: number | null = null;
  #callMs: number | null = null;

  /** `random` gives numbers from 0 to below 1, for the jitter of cooldowns. */
  constructor(random: () => number) {
    this.#random = random;
  }

  get isDisabled(): boolean {
    return this.#isDisabled;
  }

  get deadReason(): string | null {
    return this.#deadReason;
  }

  /** Dead for now: whether that is true is being found out. */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  get successes(): number {
    return this.#successes;
  }

  get errors(): number {
    return this.#errors;
  }

  get lastOk(): Date | null {
    return dateOf(this.#lastOkMs);
  }

  get lastError(): Date | null {
    return dateOf(this.#lastErrorMs);
  }

  /** Calls of this process that run now. */
  get running(): number {
    return this.#running;
  }

  /** Running averages in milliseconds; `null` before the first success. */
  get averages(): { readonly firstWordMs: number | null; readonly callMs: number | null } {
    return { firstWordMs: this.#firstWordMs, callMs: this.#callMs };
  }

  condition(nowMs: number): UpstreamCondition {
    if (this.#isDisabled) return { kind: "disabled" };
    if (this.#deadReason !== null) return { kind: "dead", reason: this.#deadReason };
    if (this.#coolUntilMs > nowMs) return { kind: "cooling", until: new Date(this.#coolUntilMs) };
    if (this.#openUntilMs === null) return { kind: "ready" };
    if (this.#probe !== null) return { kind: "probing" };
    return { kind: "circuit_open", until: new Date(this.#openUntilMs) };
  }

  /**
   * With `isLastResort` a key behind an open circuit may be called as well, one call at a time, when
   * it worked a moment ago: it fails now and then, and its errors in a row were chance.
   */
  decide(model: string, nowMs: number, isLastResort = false): CallDecision {
    const isOut = this.#deadReason !== null && !this.#isSuspect;
    if (this.#isDisabled || isOut || this.isModelOff(model, nowMs)) {
      return { mayCall: false, untilMs: null };
    }
    if (this.#isSuspect) return { mayCall: false, untilMs: nowMs + RUNNING_RETRY_MS };
    const isProbing = this.#probe !== null;
    if (isProbing || (this.#openUntilMs ?? 0) > nowMs) {
      if (!isLastResort || !this.#workedJustNow(nowMs)) return { mayCall: false, untilMs: null };
      if (isProbing) return { mayCall: false, untilMs: nowMs + RUNNING_RETRY_MS };
    }
    if (this.#coolUntilMs > nowMs) return { mayCall: false, untilMs: this.#coolUntilMs };
    return { mayCall: true };
  }

  isModelOff(model: string, nowMs: number): boolean {
    return (this.#modelsOff.get(model) ?? 0) > nowMs;
  }

  /** Only after `decide` said yes, in the same turn of the event loop. */
  begin(nowMs: number): HealthCall {
    const call = { startedAtMs: nowMs, isProbe: this.#openUntilMs !== null };
    if (call.isProbe) this.#probe = call;
    this.#running += 1;
    return call;
  }

  /** `firstWordMs` is null for a call that had no word to say. */
  succeeded(call: HealthCall, firstWordMs: number | null, nowMs: number): void {
    this.#end(call);
    this.#closeCircuit();
    this.#cooldownsInRow = 0;
    this.#successes += 1;
    this.#lastOkMs = nowMs;
    this.#callMs = average(this.#callMs, nowMs - call.startedAtMs);
    if (firstWordMs !== null) this.#firstWordMs = average(this.#firstWordMs, firstWordMs);
  }

  /** The caller lost interest, which says nothing about the key. */
  abandoned(call: HealthCall): void {
    this.#end(call);
  }

  failed(call: HealthCall, error: OutsideError, model: string, nowMs: number): FailureEffect {
    this.#end(call);
    const isModelMissing = error instanceof UpstreamError && error.isModelMissing;
    // It answered, so it is up: what was wrong is the request, its rate or the name of the model.
    if (error.kind === "rejected" || error.kind === "rate_limited") this.#closeCircuit();
    if (isModelMissing) this.#modelsOff.set(model, nowMs + MODEL_OFF_MS);
    else if (error.kind === "rejected") return { kind: "none" };
    this.#errors += 1;
    this.#lastErrorMs = nowMs;
    if (isModelMissing) return { kind: "counted" };
    if (error.kind === "unauthorized" || error.kind === "quota") {
      return this.#refused(error, nowMs);
    }
    if (error.kind === "rate_limited") return this.#cool(error.retryAfterMs, nowMs);
    this.#countError(call, nowMs);
    // Some providers name a time with a 503 as well.
    return error.retryAfterMs === undefined
      ? { kind: "counted" }
      : this.#cool(error.retryAfterMs, nowMs);
  }

  markDead(reason: string): void {
    this.#deadReason = reason;
    this.#isSuspect = false;
  }

  /** The key was seen to work, or someone says that it does. */
  markReady(): void {
    this.#deadReason = null;
    this.#isSuspect = false;
    this.#modelsOff.clear();
    this.#closeCircuit();
  }

  setDisabled(isDisabled: boolean): void {
    this.#isDisabled = isDisabled;
  }

  #refused(error: OutsideError, nowMs: number): FailureEffect {
    // A further call that was under way tells nothing new.
    if (this.#deadReason !== null) return { kind: "counted" };
    const reason = (error instanceof UpstreamError && error.code) || error.kind;
    const mayBeMistake = error.kind === "unauthorized";
    this.#deadReason = reason;
    this.#isSuspect = mayBeMistake && this.#workedJustNow(nowMs);
    return this.#isSuspect ? { kind: "suspect", reason } : { kind: "dead", reason, mayBeMistake };
  }

  #workedJustNow(nowMs: number): boolean {
    return this.#lastOkMs !== null && nowMs - this.#lastOkMs < FLAKY_MS;
  }

  #end(call: HealthCall): void {
    this.#running -= 1;
    if (this.#probe === call) this.#probe = null;
  }

  #closeCircuit(): void {
    this.#errorsInRow = 0;
    this.#openUntilMs = null;
    this.#openMs = CIRCUIT_MS_MIN;
  }

  #countError(call: HealthCall, nowMs: number): void {
    this.#errorsInRow += 1;
    if (call.isProbe) {
      this.#openMs = Math.min(CIRCUIT_MS_MAX, this.#openMs * 2);
      this.#openUntilMs = nowMs + this.#openMs;
    } else if (this.#openUntilMs === null && this.#errorsInRow >= ERRORS_IN_ROW_MAX) {
      // Calls that were under way when the circuit opened and fail later do not open it further.
      this.#openUntilMs = nowMs + this.#openMs;
    }
  }

  #cool(retryAfterMs: number | undefined, nowMs: number): FailureEffect {
    const ms = retryAfterMs ?? this.#nextCooldown(nowMs);
    this.#coolUntilMs = Math.max(this.#coolUntilMs, nowMs + ms);
    return { kind: "cooling", ms };
  }

  #nextCooldown(nowMs: number): number {
    // Calls that ran side by side fail together: that is one refusal, not many in a row.
    if (this.#coolUntilMs > nowMs) return this.#coolUntilMs - nowMs;
    const fullMs = Math.min(COOLDOWN_MS_MAX, COOLDOWN_MS_MIN * 2 ** this.#cooldownsInRow);
    this.#cooldownsInRow += 1;
    // Half fixed, half by chance, so that workers do not come back all at once.
    return Math.round(fullMs / 2 + (fullMs / 2) * this.#random());
  }
}

function average(before: number | null, newest: number): number {
  return before === null ? newest : before + (newest - before) * NEWEST;
}

function dateOf(timeMs: number | null): Date | null {
  return timeMs === null ? null : new Date(timeMs);
}
