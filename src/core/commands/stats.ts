import type { Stats, StatsPeriod, StatsRow, StatsStore } from "../admin/stats-store.ts";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { formatAmount, formatFunds, startOfDay } from "../texts/format.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { Texts } from "../texts/texts.ts";
import type { Command } from "./command.ts";
import { USAGE } from "./command-names.ts";
import { words } from "./parse-command.ts";

const DAY_MS = 24 * 60 * 60_000;
const ROWS_SHOWN = 15;
const PERIOD_DAYS: Readonly<Record<StatsPeriod, number>> = { today: 1, "7d": 7, "30d": 30 };
const GROUPS = ["model", "user", "batch"] as const;
type Group = (typeof GROUPS)[number];

export interface StatsCommandParts {
  readonly stats: StatsStore;
  readonly currency: string;
  readonly clock: Clock;
}

/** People, answers, money and speed of a period; days are UTC days, today included. */
export function statsCommand(parts: StatsCommandParts): Command {
  return {
    name: "stats",
    isForAdmins: true,
    async run({ texts }, args) {
      const { period, group } = parseArguments(args);
      const days = PERIOD_DAYS[period] - 1;
      const since = new Date(startOfDay(parts.clock.now()).getTime() - days * DAY_MS);
      if (group === null) {
        const stats = await parts.stats.readTotals(since);
        return { text: texts.stats(describe(period, stats, texts, parts.currency)) };
      }
      const rows = await readRows(parts, since, group, texts);
      return { text: texts.statsRows(`${period} · ${group}`, rows) };
    },
  };
}

function parseArguments(args: string): { period: StatsPeriod; group: Group | null } {
  let period: StatsPeriod = "today";
  let group: Group | null = null;
  for (const word of words(args.toLowerCase())) {
    if (Object.hasOwn(PERIOD_DAYS, word)) period = word as StatsPeriod;
    else if ((GROUPS as readonly string[]).includes(word)) group = word as Group;
    else throw new UserError("usage", { usage: USAGE.stats });
  }
  return { period, group };
}

function describe(period: string, stats: Stats, texts: Texts, currency: string) {
  const credit = (amount: bigint) => formatAmount("credit", amount, texts, currency);
  const seconds = (ms: number | null) => (ms === null ? "–" : `${(ms / 1000).toFixed(1)} s`);
  return {
    ...stats,
    period,
    inputTokens: String(stats.inputTokens),
    outputTokens: String(stats.outputTokens),
    revenue: credit(stats.credit),
    messages: formatAmount("message", stats.messages, texts, currency),
    upstreamCost: credit(stats.upstreamCost),
    margin: credit(stats.credit - stats.upstreamCost),
    refunds: formatFunds(stats.takenBack, texts, currency),
    firstWord: seconds(stats.firstWordMsMean),
    answerTime: seconds(stats.answerMsMean),
  };
}

async function readRows(
  { stats, currency }: StatsCommandParts,
  since: Date,
  group: Group,
  texts: Texts,
): Promise<string[]> {
  if (group === "batch") {
    const rows = await stats.readByBatch(since, ROWS_SHOWN);
    return rows.map(
      ({ name, redeemed, count, unit, spent }) =>
        `${escapeMarkdown(name)} · ${redeemed}/${count} · ${formatAmount(unit, spent, texts, currency)}`,
    );
  }
  const rows =
    group === "model"
      ? await stats.readByModel(since, ROWS_SHOWN)
      : await stats.readByAccount(since, ROWS_SHOWN);
  const cost = (row: StatsRow) => formatAmount("credit", row.upstreamCost, texts, currency);
  return rows.map(
    (row) =>
      `${escapeMarkdown(row.name)} · ${row.requests} × · ${row.tokens} tokens · ${formatFunds(
        { credit: row.credit, message: row.messages },
        texts,
        currency,
      )} · −${cost(row)}`,
  );
}
