import type { Ledger } from "../../../src/core/billing/ledger.ts";
import type { Clock } from "../../../src/core/clock.ts";
import { UserError } from "../../../src/core/errors.ts";
import type { EndedReply, ReplyOutbox } from "../../../src/core/reply-outbox.ts";
import type {
  NewReply,
  OpenOutcome,
  Reply,
  ReplyEnd,
  ReplyStore,
  StopWhere,
} from "../../../src/core/reply-store.ts";
import { stoppedBefore } from "./stopped-before.ts";

type Row = { -readonly [Name in keyof Reply]: Reply[Name] } & {
  heartbeatAtMs: number;
  readonly openedIndex: number;
  /** How often it was brought to its chat, as the store was told. */
  deliveries: number;
};

const OPEN: ReadonlySet<string> = new Set(["queued", "writing"]);

/**
 * Replies in memory that live as the SQL functions of the migrations let them: opened with their hold,
 * released in order, started, finished with their charge. Each method is one transaction.
 */
export class SimulatedReplies implements ReplyStore, ReplyOutbox {
  readonly rows = new Map<string, Row>();
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #sources = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ledger: Ledger, clock: Clock) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  open(given: NewReply): Promise<OpenOutcome> {
    return this.#alone(async () => {
      const { accountId } = given;
      const source = `${given.address.channel}:${given.messageId}`;
      const known = this.#sources.get(source);
      if (known !== undefined)
        return {
          status: "duplicate",
          replyId: known,
          released: this.#release(accountId, given.runningMax),
        };
      if (this.#openOf(given.accountId).length >= given.openRepliesMax)
        return { status: "queue_full" };
      const { price } = given;
      const hold = await this.#hold(`reply:${given.id}:1`, given, given.leaseMs);
      if (hold.status === "insufficient") return hold;
      this.#sources.set(source, given.id);
      this.rows.set(given.id, {
        ...given,
        price,
        questionTurnId: BigInt(this.rows.size + 1),
        state: "queued",
        modelAsked: given.model,
        modelAnswered: null,
        holdId: hold.holdId,
        unit: hold.unit,
        heldAmount: hold.amount,
        inputTokensMax: given.inputTokens,
        inputTokens: null,
        cachedTokens: null,
        outputTokens: null,
        charge: 0n,
        freeReason: null,
        failure: null,
        text: null,
        receipt: null,
        isStopRequested: false,
        attempts: 0,
        releasedAt: null,
        releasedMs: 0,
        startedAt: null,
        answeredAt: null,
        deliveredAt: null,
        heartbeatAtMs: 0,
        waitedMs: 0,
        openedIndex: this.rows.size,
        deliveries: 0,
      });
      return {
        status: "opened",
        replyId: given.id,
        released: this.#release(accountId, given.runningMax),
      };
    });
  }

  release(accountId: string, runningMax: number): Promise<string[]> {
    return this.#alone(async () => this.#release(accountId, runningMax));
  }

  start(replyId: string, leaseMs: number): Promise<Reply | null> {
    return this.#alone(async () => {
      const row = this.rows.get(replyId);
      if (row === undefined || !OPEN.has(row.state)) return null;
      if (!(await this.#ledger.renewHold(row.holdId, leaseMs))) {
        const hold = await this.#hold(`reply:${replyId}:again:${row.attempts}`, row, leaseMs);
        if (hold.status === "insufficient") throw new UserError("insufficient_credit");
        Object.assign(row, { holdId: hold.holdId, unit: hold.unit, heldAmount: hold.amount });
      }
      row.state = "writing";
      row.attempts += 1;
      row.startedAt ??= this.#clock.now();
      row.releasedAt ??= this.#clock.now();
      row.heartbeatAtMs = this.#clock.now().getTime();
      row.releasedMs = row.heartbeatAtMs - row.releasedAt.getTime();
      row.waitedMs = row.heartbeatAtMs - row.receivedAt.getTime();
      return { ...row };
    });
  }

  heartbeat(replyIds: readonly string[], leaseMs: number): Promise<void> {
    return this.#alone(async () => {
      for (const id of replyIds) {
        const row = this.rows.get(id);
        if (row?.state !== "writing") continue;
        row.heartbeatAtMs = this.#clock.now().getTime();
        await this.#ledger.renewHold(row.holdId, leaseMs);
      }
    });
  }

  finish(end: ReplyEnd): Promise<bigint | null> {
    return this.#alone(() => this.#finish(end));
  }

  requestStop(accountId: string, where: StopWhere) {
    return this.#alone(async () => {
      const stopped = { ended: [] as string[], running: [] as string[] };
      for (const row of this.#openOf(accountId)) {
        if ("replyId" in where && row.id !== where.replyId) continue;
        row.isStopRequested = true;
        if (row.state !== "queued") {
          stopped.running.push(row.id);
          continue;
        }
        await this.#finish(stoppedBefore(row.id));
        stopped.ended.push(row.id);
      }
      return stopped;
    });
  }

  markDelivered(replyId: string, receipt: string, isReadable: boolean): Promise<void> {
    return this.#alone(async () => {
      const row = this.rows.get(replyId);
      if (row === undefined || row.deliveredAt !== null) return;
      row.deliveredAt = this.#clock.now();
      row.receipt = receipt;
      row.deliveries += 1;
      if (row.state === "answered" && isReadable) row.state = "delivered";
    });
  }

  async find(replyId: string): Promise<Reply | null> {
    const row = this.rows.get(replyId);
    return row === undefined ? null : { ...row };
  }

  async listReleasable(runningMax: number, limit: number): Promise<string[]> {
    const accounts = new Set([...this.rows.values()].map(({ accountId }) => accountId));
    return [...accounts]
      .filter((accountId) => {
        const open = this.#openOf(accountId);
        const running = open.filter(({ releasedAt }) => releasedAt !== null).length;
        return open.length > running && running < runningMax;
      })
      .slice(0, limit);
  }

  async listUnbegun(ageMs: number, limit: number): Promise<string[]> {
    const nowMs = this.#clock.now().getTime();
    const unbegun = [...this.rows.values()]
      .filter((row) => row.state === "queued" && row.releasedAt !== null)
      .filter(({ heartbeatAtMs }) => heartbeatAtMs < nowMs - ageMs)
      .slice(0, limit);
    for (const row of unbegun) row.heartbeatAtMs = nowMs;
    return unbegun.map(({ id }) => id);
  }

  async listOrphans(silentMs: number, limit: number): Promise<string[]> {
    const beforeMs = this.#clock.now().getTime() - silentMs;
    return [...this.rows.values()]
      .filter(({ state, releasedAt, heartbeatAtMs }) => {
        return OPEN.has(state) && releasedAt !== null && heartbeatAtMs < beforeMs;
      })
      .slice(0, limit)
      .map(({ id }) => id);
  }

  async listUndelivered(ageMs: number, limit: number): Promise<EndedReply[]> {
    const beforeMs = this.#clock.now().getTime() - ageMs;
    return [...this.rows.values()]
      .filter(
        (row) => row.deliveredAt === null && (row.answeredAt?.getTime() ?? Infinity) < beforeMs,
      )
      .slice(0, limit)
      .map(({ id, address }) => ({ id, platform: address.platform, bot: address.bot }));
  }

  async countOpen(): Promise<number> {
    return [...this.rows.values()].filter(({ state }) => OPEN.has(state)).length;
  }

  // What the simulation has no use for.
  findGathering = async () => null;
  countPendingTokens = async () => 0;
  findLastEnded = async () => null;
  listRecent = async () => [];
  findBySource = async () => null;
  rewriteQuestion = async () => false;
  listMessages = async () => [];
  saveMessage = async () => {};
  park = async () => {};
  unparkNext = async () => null;

  async #finish(end: ReplyEnd): Promise<bigint | null> {
    const row = this.rows.get(end.id);
    if (row === undefined || !OPEN.has(row.state)) return null;
    let captured = 0n;
    if (end.charge > 0n) {
      captured = (await this.#ledger.captureHold(row.holdId, end.charge)).captured;
    } else {
      await this.#ledger.releaseHold(row.holdId);
    }
    const { state, text, inputTokens, outputTokens, freeReason, failure } = end;
    Object.assign(row, { state, text, inputTokens, outputTokens, freeReason, failure });
    row.charge = captured;
    row.answeredAt = this.#clock.now();
    return captured;
  }

  #hold(cause: string, of: Pick<NewReply, "accountId" | "price"> & object, leaseMs: number) {
    const { accountId, price } = of;
    const { messageCost, creditMax, creditMin } = price;
    return this.#ledger.placeHold({
      ...{ cause, accountId, messageCost, creditMax, creditMin, leaseMs },
      model: "m",
    });
  }

  #release(accountId: string, runningMax: number): string[] {
    const open = this.#openOf(accountId);
    const free = runningMax - open.filter(({ releasedAt }) => releasedAt !== null).length;
    const next = open.filter(({ releasedAt }) => releasedAt === null).slice(0, Math.max(0, free));
    for (const row of next) {
      row.releasedAt = this.#clock.now();
      row.heartbeatAtMs = row.releasedAt.getTime();
    }
    return next.map(({ id }) => id);
  }

  #openOf(accountId: string): Row[] {
    return [...this.rows.values()].filter(
      (row) => row.accountId === accountId && OPEN.has(row.state),
    );
  }

  /** One after the other, as the lock on an account has it. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}
