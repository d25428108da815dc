import type { Clock } from "../clock.ts";
import { OutsideError, UserError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { BackgroundJobs } from "./background-jobs.ts";
import { SeatSearch } from "./seat-search.ts";
import type { CompletionEvent, CompletionPool, CompletionRequest } from "./upstream.ts";
import { UpstreamError } from "./upstream-error.ts";
import { UpstreamKeeper, type Verdict } from "./upstream-keeper.ts";
import type { UpstreamLimiter } from "./upstream-limiter.ts";
import { type PooledUpstream, UpstreamMember } from "./upstream-member.ts";
import { reportUpstream, type UpstreamReport } from "./upstream-report.ts";
import { UpstreamRun } from "./upstream-run.ts";
import { type OnKeyDead, UpstreamStateSharing } from "./upstream-state-sharing.ts";
import type { UpstreamStateStore } from "./upstream-state-store.ts";

export interface UpstreamPoolParts {
  readonly limiter: UpstreamLimiter;
  readonly states: UpstreamStateStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onKeyDead: OnKeyDead;
  /** Numbers from 0 to below 1, for jitter. */
  readonly random: () => number;
}

/** What a check found out about one key. */
export interface UpstreamCheck {
  readonly name: string;
  readonly verdict: Verdict;
  readonly balance: string | null;
}

/**
 * Sends each request to the upstream that suits it best, and moves on to the next one when it fails
 * before its first word. After the first word a failure is final: the person has already read part
 * of the answer. When only limits are in the way, requests wait up to ten seconds, in order.
 *
 * A key that its provider asked to wait, refused, or that keeps failing is not called. Only when all
 * of several keys keep failing, those that still worked a moment ago are, one call at a time each. An
 * aborted request ends without "done" and without an error.
 */
export class UpstreamPool implements CompletionPool {
  readonly #members: readonly UpstreamMember[];
  readonly #parts: UpstreamPoolParts;
  readonly #jobs: BackgroundJobs;
  readonly #sharing: UpstreamStateSharing;
  readonly #keeper: UpstreamKeeper;
  readonly #seats: SeatSearch;
  readonly #balances = new Map<string, string>();

  constructor(upstreams: readonly PooledUpstream[], parts: UpstreamPoolParts) {
    this.#members = upstreams.map((upstream) => new UpstreamMember(upstream, parts.random));
    this.#parts = parts;
    this.#jobs = new BackgroundJobs(parts.log);
    this.#sharing = new UpstreamStateSharing(this.#members, parts);
    this.#keeper = new UpstreamKeeper(this.#members, {
      sharing: this.#sharing,
      limiter: parts.limiter,
      jobs: this.#jobs,
      clock: parts.clock,
    });
    this.#seats = new SeatSearch(this.#members, parts.limiter, parts.clock);
  }

  /** Reads the shared states, then looks after the keys until `stop`. Needs a clock that runs. */
  start(): Promise<void> {
    return this.#keeper.start();
  }

  /** One round of what `start` does every two seconds. */
  maintain(): Promise<void> {
    return this.#keeper.maintain();
  }

  async stop(): Promise<void> {
    this.#keeper.stop();
    await this.#jobs.settle();
  }

  async *complete(request: CompletionRequest, signal: AbortSignal): AsyncIterable<CompletionEvent> {
    const search = this.#seats.begin(request);
    while (!signal.aborted) {
      const seat = await this.#seats.next(search, signal);
      if (seat === null) return;
      // While the limiter was asked, another call may have found the key cooling or dead.
      const { health } = seat.member;
      if (!health.decide(request.model, this.#nowMs(), seat.isLastResort).mayCall) {
        this.#jobs.run(() => seat.grant.release(0));
        continue;
      }
      const run = new UpstreamRun(seat, search, this.#parts.clock);
      search.tries += 1;
      try {
        // The source is held back with the first word: a failover in between changes it.
        let source: CompletionEvent | null = null;
        for await (const event of seat.member.upstream.complete(request, signal)) {
          if (event.type === "source") {
            source = event;
            continue;
          }
          if (event.type === "delta" && event.text === "") continue;
          run.saw(event);
          if (source !== null) yield source;
          source = null;
          // The place is free from here on, however long the caller takes over the end.
          if (event.type === "done") this.#settle(run, null);
          yield event;
        }
        if (run.isDone || signal.aborted) return;
        throw new UpstreamError(seat.member.name, "unreachable", { code: "ended_early" });
      } catch (error) {
        if (run.isDone || signal.aborted) return;
        if (!(error instanceof OutsideError)) throw error;
        this.#settle(run, error);
        this.#decideAfter(run, error);
      } finally {
        this.#settle(run, null);
      }
    }
  }

  async describe(): Promise<readonly UpstreamReport[]> {
    const now = this.#parts.clock.now();
    return Promise.all(
      this.#members.map(async (member) => {
        const use = await this.#parts.limiter.readUse(member.name);
        const balance = this.#balances.get(member.name) ?? null;
        return reportUpstream(member, use, this.#sharing.stored(member), balance, now);
      }),
    );
  }

  /** `name` is one key, "main#2", or all keys of an entry, "main". Throws `unknown_upstream`. */
  async enable(name: string): Promise<void> {
    for (const member of this.#named(name)) await this.#sharing.setDisabled(member, false);
    this.#seats.wake();
  }

  async disable(name: string): Promise<void> {
    for (const member of this.#named(name)) await this.#sharing.setDisabled(member, true);
  }

  /** Asks the providers whether the keys work and what is left on them. */
  async check(name?: string): Promise<readonly UpstreamCheck[]> {
    const members = name === undefined ? this.#members : this.#named(name);
    const checks = await Promise.all(members.map((member) => this.#check(member)));
    this.#seats.wake();
    return checks;
  }

  async #check(member: UpstreamMember): Promise<UpstreamCheck> {
    const signal = new AbortController().signal;
    const verdict = await this.#keeper.verify(member, signal);
    const isCooling = !verdict.ok && verdict.problem === "cooling";
    const balance = isCooling ? null : await readBalance(member, signal);
    if (balance !== null) this.#balances.set(member.name, balance);
    return { name: member.name, verdict, balance };
  }

  /** Gives the place back and learns from how the call ended. Only the first time counts. */
  #settle(run: UpstreamRun, error: OutsideError | null): void {
    if (run.isSettled) return;
    run.isSettled = true;
    const { member, grant } = run.seat;
    const { call } = run;
    const nowMs = this.#nowMs();
    if (run.isDone) member.health.succeeded(call, run.firstWordMs, nowMs);
    else if (error === null) member.health.abandoned(call);
    else {
      const effect = member.health.failed(call, error, run.search.request.model, nowMs);
      this.#keeper.failed(member, effect);
      this.#parts.log.warn(
        { upstream: member.name, kind: error.kind, retryAfterMs: error.retryAfterMs, err: error },
        "upstream call failed",
      );
    }
    if (run.firstWordMs !== null) member.notePerson(run.search.request.stickyKey, nowMs);
    if (run.isDone) member.noteTokens(run.tokens);
    this.#jobs.run(async () => {
      await grant.release(run.tokens);
      this.#seats.wake();
    });
  }

  /** Returns when another upstream may be tried, else throws. */
  #decideAfter(run: UpstreamRun, error: OutsideError): void {
    const { member } = run.seat;
    if (run.firstWordMs !== null) {
      if (error.kind === "cut") throw error;
      const code = error instanceof UpstreamError ? error.code : error.kind;
      throw new UpstreamError(member.name, "cut", { code });
    }
    const isModelMissing = error instanceof UpstreamError && error.isModelMissing;
    if (error.kind === "rejected" && !isModelMissing) throw error;
    run.search.lastError = error;
    // A key that asked to wait, or was refused by mistake, may be used once it has been waited for.
    const mayRecover = error.kind === "rate_limited" || member.health.isSuspect;
    if (!mayRecover) run.search.failed.add(member);
  }

  #nowMs(): number {
    return this.#parts.clock.now().getTime();
  }

  #named(name: string): readonly UpstreamMember[] {
    const members = this.#members.filter((member) => {
      return member.name === name || member.name.startsWith(`${name}#`);
    });
    if (members.length === 0) throw new UserError("unknown_upstream", { name });
    return members;
  }
}

async function readBalance(member: UpstreamMember, signal: AbortSignal): Promise<string | null> {
  try {
    return await member.upstream.readBalance(signal);
  } catch (error) {
    // A key can work without being allowed to ask what is left on it.
    if (error instanceof OutsideError) return null;
    throw error;
  }
}
