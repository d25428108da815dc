import { createId } from "../../../src/core/ids.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";
import { MemoryCardStore } from "../../fakes/memory-card-store.ts";
import { MemoryLedger } from "../../fakes/memory-ledger.ts";
import type { Random } from "../random.ts";
import { MODEL, PRICE, SimulatedProcess, type SimulatedWorld } from "./simulated-process.ts";
import { SimulatedQueue } from "./simulated-queue.ts";
import { SimulatedReplies } from "./simulated-replies.ts";

const ACCOUNTS = ["ann", "bob", "cai"] as const;
const CARDS = 4;
const CARD_VALUE = 3_000n;
const LEASE_MS = 15 * 60_000;
/** Long enough for every lease, backoff and sweep. */
const QUIET_ROUNDS = 40;
const QUIET_STEP_MS = 3_000;
const HOUR_MS = 60 * 60_000;

/** Everything of one simulation. */
export class Shop {
  readonly clock = new FakeClock();
  readonly ledger = new MemoryLedger(this.clock);
  readonly cards = new MemoryCardStore(this.ledger, this.clock);
  readonly replies = new SimulatedReplies(this.ledger, this.clock);
  readonly accounts = ACCOUNTS;
  readonly words = new Map<string, number>();
  /** Cards by the account that got them. */
  readonly redeemed = new Map<number, string>();
  readonly #random: Random;
  readonly #queue = new SimulatedQueue(this.clock);
  readonly #world: SimulatedWorld;
  #processes: SimulatedProcess[] = [];
  #messages = 0;

  constructor(random: Random) {
    this.#random = random;
    const { clock, replies, words } = this;
    this.#world = { clock, replies, words, random, queue: this.#queue, stops: new Set() };
  }

  get cardValue(): bigint {
    return CARD_VALUE;
  }

  async open(): Promise<void> {
    this.#processes = [new SimulatedProcess(this.#world), new SimulatedProcess(this.#world)];
    for (const [index, accountId] of ACCOUNTS.entries()) {
      await this.ledger.grant({
        ...{ cause: `start:${accountId}`, accountId, kind: "paid", priority: 50 },
        unit: index === 0 ? "message" : "credit",
        amount: index === 0 ? 3n : BigInt(this.#random.between(100, 2_000)),
        validUntil: new Date(this.clock.now().getTime() + this.#random.between(1, 3) * HOUR_MS),
        modelScope: null,
        origin: "promotions",
        reason: "start",
      });
    }
    const now = this.clock.now();
    const batch = {
      ...{ id: "b", name: "B", prefix: "BBBB", count: CARDS, unit: "credit" as const },
      ...{ amount: CARD_VALUE, validDays: 30, redeemUntil: null, renewal: "separate" as const },
      ...{ modelScope: null, perAccountMax: null, createdBy: "sim", exportSha256: "" },
    };
    const cards = Array.from({ length: CARDS }, (_, index) => ({
      id: createId(now),
      serial: index + 1,
      codeHmac: Buffer.from([index]),
      pepperVersion: 1,
      last4: "0000",
    }));
    await this.cards.createBatch(batch, [cards]);
  }

  /** One thing happens; returns its name. */
  async step(): Promise<string> {
    const dice = this.#random.below(100);
    if (dice < 30) return await this.#ask();
    if (dice < 40) return await this.#redeem();
    if (dice < 46) return await this.#stop();
    if (dice < 52) return this.#kill();
    if (dice < 56) {
      this.#queue.empty();
      return "the queue is emptied";
    }
    if (dice < 60) {
      this.#queue.isAway = !this.#queue.isAway;
      return "the queue goes or comes back";
    }
    await this.#pass(this.#random.pick([200, 1_000, 5_000, 30_000, 20 * 60_000]));
    return "time passes";
  }

  /** Nothing breaks any more; sweeps and retries have all the time they need. */
  async comeToRest(): Promise<void> {
    this.#queue.isAway = false;
    this.#processes = [new SimulatedProcess(this.#world)];
    for (const process of this.#processes) process.live();
    for (let round = 0; round < QUIET_ROUNDS && !this.#isQuiet(); round += 1) {
      await this.#pass(QUIET_STEP_MS);
    }
    await this.clock.advance(LEASE_MS + 1);
    await this.ledger.releaseLapsedHolds(1_000);
    await this.ledger.expireLots(1_000);
  }

  async #ask(): Promise<string> {
    const accountId = this.#random.pick(ACCOUNTS);
    // Now and then a platform brings a message once more.
    if (this.#random.next() > 0.15) this.#messages += 1;
    const now = this.clock.now();
    const inputTokens = 10;
    const outcome = await this.replies.open({
      id: createId(now),
      mergeInto: null,
      accountId,
      identityId: 1n,
      conversationId: `c-${this.#messages}`,
      address: { platform: "sim", bot: "1", channel: "c", thread: null },
      isDirect: true,
      messageId: `m${this.#messages}`,
      locale: "en",
      text: "w ",
      title: "w",
      images: [],
      model: MODEL.name,
      price: { ...PRICE, creditMax: 10n + 3n * 60n, creditMin: 10n + 3n * 5n },
      inputTokens,
      outputTokensMax: MODEL.outputTokensMax,
      leaseMs: LEASE_MS,
      waitMs: 0,
      runningMax: 1,
      openRepliesMax: 5,
      receivedAt: now,
      supersedesTurn: null,
    });
    if ("released" in outcome) this.#living()?.dispatcher.run(outcome.released);
    await this.#pass(0);
    return `${accountId} asks (${outcome.status})`;
  }

  async #redeem(): Promise<string> {
    const index = this.#random.below(CARDS);
    const tries = ACCOUNTS.filter(() => this.#random.next() < 0.6).map(async (accountId) => {
      const redeemer = { accountId, identityKey: `sim:${accountId}` };
      const { outcome } = await this.cards.redeem(redeemer, [Buffer.from([index])]);
      if (outcome.status !== "redeemed") return;
      if (this.redeemed.has(index)) throw new Error(`card ${index} was redeemed twice`);
      this.redeemed.set(index, accountId);
    });
    await Promise.all(tries);
    return "a card is tried";
  }

  async #stop(): Promise<string> {
    const accountId = this.#random.pick(ACCOUNTS);
    const address = { platform: "sim", bot: "1", channel: "c", thread: null };
    const { running } = await this.replies.requestStop(accountId, { address });
    for (const replyId of running) for (const stop of this.#world.stops) stop(replyId);
    await this.#pass(0);
    return `${accountId} stops`;
  }

  #kill(): string {
    const victim = this.#random.pick(this.#processes);
    victim.isDead = true;
    return "a worker is killed";
  }

  /** Lets time pass in steps, with all that runs on timers; dead processes are started anew. */
  async #pass(ms: number): Promise<void> {
    const endMs = this.clock.now().getTime() + ms;
    do {
      this.#processes = this.#processes.map((process) => {
        return process.isDead ? new SimulatedProcess(this.#world) : process;
      });
      for (const process of this.#processes) {
        void process.heartbeat.beat();
        void process.dispatcher.sweep().catch(() => {});
        this.#queue.work(process);
      }
      await this.ledger.releaseLapsedHolds(100);
      if (this.#random.next() < 0.2) await this.ledger.expireLots(100);
      const leftMs = endMs - this.clock.now().getTime();
      await this.clock.advance(Math.min(Math.max(leftMs, 1), leftMs > 60_000 ? 300_000 : 2_000));
    } while (this.clock.now().getTime() < endMs);
  }

  #living(): SimulatedProcess | undefined {
    return this.#processes.find(({ isDead }) => !isDead);
  }

  #isQuiet(): boolean {
    return [...this.replies.rows.values()].every(({ deliveredAt }) => deliveredAt !== null);
  }
}
