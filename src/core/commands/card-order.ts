import { parseAmount } from "../billing/amount.ts";
import type { BatchOrder } from "../cards/card-batch.ts";
import { UserError } from "../errors.ts";
import { formatDate } from "../texts/format.ts";
import type { ModelCatalog } from "../upstream/model-catalog.ts";
import { USAGE } from "./command-names.ts";
import { quoteArgument } from "./settings-commands.ts";

const DAY_MS = 24 * 60 * 60_000;
const COUNT_MAX = 20_000;

export interface CardOrderContext {
  /** Who orders: "telegram:42". */
  readonly actor: string;
  readonly models: ModelCatalog;
  readonly now: Date;
}

/**
 * Reads what follows `/cards new`: BATCH COUNT AMOUNT[m] DAYS and then, in any order and each once,
 * `expires=YYYY-MM-DD`, `limit=N` (cards one person may use) and `models=NAME,NAME` (what the
 * credit pays for). Throws `UserError` for anything else.
 */
export function parseCardOrder(args: readonly string[], context: CardOrderContext): BatchOrder {
  const [name, countText, amountText, daysText, ...optionTexts] = args;
  if (name === undefined || countText === undefined || amountText === undefined) throw cardsUsage();
  if (daysText === undefined) throw cardsUsage();
  const options = readOptions(optionTexts);
  const [expires, limit, models] = ["expires", "limit", "models"].map((key) => options.get(key));
  return {
    name,
    count: readCount(countText),
    ...parseAmount(amountText),
    validDays: readDays(daysText),
    redeemUntil: expires === undefined ? null : readExpiry(expires, context.now),
    renewal: null,
    modelScope: models === undefined ? null : readModels(models, context.models),
    perAccountMax: limit === undefined ? null : readCount(limit),
    createdBy: context.actor,
  };
}

export function cardsUsage(): UserError {
  return new UserError("usage", { usage: USAGE.cards });
}

function readOptions(texts: readonly string[]): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const text of texts) {
    const [, key = "", value = ""] = /^(expires|limit|models)=(\S+)$/i.exec(text) ?? [];
    if (key === "" || options.has(key.toLowerCase())) throw cardsUsage();
    options.set(key.toLowerCase(), value);
  }
  return options;
}

function readCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new UserError("count_invalid", { count: quoteArgument(text), countMax: COUNT_MAX });
  }
  return Number(text);
}

function readDays(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UserError("days_invalid", { days: quoteArgument(text) });
  return Number(text);
}

function readModels(text: string, models: ModelCatalog): string[] {
  const names = text.split(/[,，]/u).filter((name) => name !== "");
  if (names.length === 0) throw cardsUsage();
  const found = names.map((name) => {
    const model = models.find(name);
    if (model === null) throw new UserError("unknown_model", { name: quoteArgument(name) });
    return model.name;
  });
  return [...new Set(found)];
}

/** The named day still counts, so a code ends with the beginning of the next one. */
function readExpiry(day: string, now: Date): Date {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) throw cardsUsage();
  const start = new Date(`${day}T00:00:00.000Z`);
  const end = new Date(start.getTime() + DAY_MS);
  const isDay = !Number.isNaN(start.getTime()) && formatDate(start) === day;
  if (!isDay || end <= now) throw new UserError("date_invalid", { date: quoteArgument(day) });
  return end;
}
