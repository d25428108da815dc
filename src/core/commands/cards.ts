import type { AuditLog } from "../admin/audit-log.ts";
import { parseAmount } from "../billing/amount.ts";
import type { BatchOrder, CardBatch } from "../cards/card-batch.ts";
import type { CardPepper } from "../cards/card-code.ts";
import type { BatchChange, CardStore } from "../cards/card-store.ts";
import { createBatch } from "../cards/create-batch.ts";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { formatAmount, formatDate } from "../texts/format.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { BatchLine, Texts } from "../texts/texts.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import { USAGE } from "./command-names.ts";
import { words } from "./parse-command.ts";
import { quoteArgument } from "./settings-commands.ts";

const BATCHES_SHOWN = 30;
const DAY_MS = 24 * 60 * 60_000;
const CHANGES: readonly string[] = ["freeze", "unfreeze", "void"] satisfies BatchChange[];

export interface CardsCommandParts {
  readonly cards: CardStore;
  readonly pepper: CardPepper;
  readonly audit: AuditLog;
  readonly currency: string;
  readonly clock: Clock;
}

/** Makes batches of recharge cards and manages their life. */
export function cardsCommand(parts: CardsCommandParts): Command {
  return {
    name: "cards",
    isForAdmins: true,
    async run(context, args) {
      const [action = "", ...rest] = words(args);
      const verb = action.toLowerCase();
      if (verb === "new") return await makeBatch(parts, context, rest);
      if (verb === "list" && rest.length === 0) return await listBatches(parts, context.texts);
      const [name, ...more] = rest;
      if (name === undefined || more.length > 0) throw usage();
      if (verb === "show") return await showBatch(parts, context.texts, name);
      if (!CHANGES.includes(verb)) throw usage();
      return await changeBatch(parts, context, name, verb as BatchChange);
    },
  };
}

async function makeBatch(
  { cards, pepper, audit, currency, clock }: CardsCommandParts,
  { actor, texts }: CommandContext,
  args: readonly string[],
): Promise<Answer> {
  const order = parseOrder(args, actor, clock.now());
  const batch = await createBatch(cards, pepper, order, clock.now());
  const redeemUntil = order.redeemUntil === null ? null : lastDay(order.redeemUntil);
  await audit.write({
    actor,
    action: "cards new",
    target: batch.name,
    reason: "",
    before: null,
    after: {
      count: order.count,
      unit: order.unit,
      amount: String(order.amount),
      validDays: order.validDays,
      redeemUntil,
      sha256: batch.sha256,
    },
  });
  return {
    text: texts.batchCreated({
      name: escapeMarkdown(batch.name),
      count: order.count,
      amount: formatAmount(order.unit, order.amount, texts, currency),
      days: order.validDays,
      redeemUntil,
      sha256: batch.sha256,
    }),
    file: { name: `${batch.name}.txt`, content: batch.fileText, caption: texts.batchFileCaption },
  };
}

/** BATCH COUNT AMOUNT[m] DAYS [expires=YYYY-MM-DD] */
function parseOrder(args: readonly string[], actor: string, now: Date): BatchOrder {
  const [name, countText, amountText, daysText, expires, ...more] = args;
  if (name === undefined || countText === undefined || amountText === undefined) throw usage();
  if (daysText === undefined || more.length > 0) throw usage();
  const count = Number(/^\d{1,9}$/.test(countText) ? countText : Number.NaN);
  const validDays = Number(/^\d{1,9}$/.test(daysText) ? daysText : Number.NaN);
  if (Number.isNaN(count)) {
    throw new UserError("count_invalid", { count: quoteArgument(countText), countMax: 20_000 });
  }
  if (Number.isNaN(validDays)) {
    throw new UserError("days_invalid", { days: quoteArgument(daysText) });
  }
  return {
    name,
    count,
    ...parseAmount(amountText),
    validDays,
    redeemUntil: expires === undefined ? null : parseExpiry(expires, now),
    renewal: null,
    modelScope: null,
    perAccountMax: null,
    createdBy: actor,
  };
}

/** The named day still counts, so a code ends with the beginning of the next one. */
function parseExpiry(text: string, now: Date): Date {
  const [, day] = /^expires=(\d{4}-\d{2}-\d{2})$/i.exec(text) ?? [];
  if (day === undefined) throw usage();
  const start = new Date(`${day}T00:00:00.000Z`);
  const end = new Date(start.getTime() + DAY_MS);
  const isDay = !Number.isNaN(start.getTime()) && formatDate(start) === day;
  if (!isDay || end <= now) throw new UserError("date_invalid", { date: quoteArgument(day) });
  return end;
}

function lastDay(redeemUntil: Date): string {
  return formatDate(new Date(redeemUntil.getTime() - 1));
}

async function listBatches({ cards, currency }: CardsCommandParts, texts: Texts): Promise<Answer> {
  const batches = await cards.listBatches(BATCHES_SHOWN);
  if (batches.length === 0) return { text: texts.batchesEmpty };
  return { text: texts.batches(batches.map((batch) => describe(batch, texts, currency))) };
}

async function showBatch(
  { cards, currency }: CardsCommandParts,
  texts: Texts,
  name: string,
): Promise<Answer> {
  const batch = await cards.findBatch(name);
  if (batch === null) throw new UserError("unknown_batch", { name: quoteArgument(name) });
  return { text: texts.batches([describe(batch, texts, currency)]) };
}

async function changeBatch(
  { cards, audit }: CardsCommandParts,
  { actor, texts }: CommandContext,
  name: string,
  change: BatchChange,
): Promise<Answer> {
  const { before, after } = await cards.changeBatch(name, change);
  await audit.write({
    actor,
    action: `cards ${change}`,
    target: name,
    reason: "",
    before: { state: before.state, cards: before.cards },
    after: { state: after.state, cards: after.cards },
  });
  const changed = after.cards.void - before.cards.void;
  return { text: texts.batchChanged(escapeMarkdown(name), after.state, changed) };
}

function describe(batch: CardBatch, texts: Texts, currency: string): BatchLine {
  return {
    name: escapeMarkdown(batch.name),
    state: batch.state,
    amount: formatAmount(batch.unit, batch.amount, texts, currency),
    days: batch.validDays,
    redeemUntil: batch.redeemUntil === null ? null : lastDay(batch.redeemUntil),
    active: batch.cards.active,
    redeemed: batch.cards.redeemed,
    void: batch.cards.void,
  };
}

function usage(): UserError {
  return new UserError("usage", { usage: USAGE.cards });
}
