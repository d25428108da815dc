import type { Unit } from "../billing/lot.ts";

/** Figures of a period, all from the hourly rollups that are written with each answer. */
export interface Stats {
  /** Accounts with an answer. */
  readonly people: number;
  readonly newPeople: number;
  readonly requests: number;
  readonly answers: number;
  readonly stopped: number;
  readonly failures: number;
  readonly freeAnswers: number;
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
  /** Micros charged, and questions charged in messages. */
  readonly credit: bigint;
  readonly messages: bigint;
  readonly upstreamCost: bigint;
  readonly cardsRedeemed: number;
  /** Taken back from people by undo and refunds. */
  readonly takenBack: Readonly<Record<Unit, bigint>>;
  readonly firstWordMsMean: number | null;
  readonly answerMsMean: number | null;
}

export interface StatsRow {
  readonly name: string;
  readonly requests: number;
  readonly tokens: bigint;
  readonly credit: bigint;
  readonly messages: bigint;
  readonly upstreamCost: bigint;
}

export interface BatchStatsRow {
  readonly name: string;
  readonly redeemed: number;
  readonly count: number;
  readonly unit: Unit;
  /** Spent in the period from lots of that batch. */
  readonly spent: bigint;
}

export type StatsPeriod = "today" | "7d" | "30d";

/** Reads what happened. Figures equal the ledger's. */
export interface StatsStore {
  readTotals(since: Date): Promise<Stats>;
  /** Of the questions asked since then: how many were answered, and how many we failed to answer. */
  countOutcomes(since: Date): Promise<{ readonly answered: number; readonly failed: number }>;
  readByModel(since: Date, limit: number): Promise<StatsRow[]>;
  readByAccount(since: Date, limit: number): Promise<StatsRow[]>;
  readByBatch(since: Date, limit: number): Promise<BatchStatsRow[]>;
  /** One account's requests, spent credit and messages since then. */
  readAccount(accountId: string, since: Date): Promise<StatsRow>;
}
