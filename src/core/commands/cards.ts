import type { AuditLog, AuditRecord } from "../admin/audit-log.ts";
import type { BatchOrder, CardBatch } from "../cards/card-batch.ts";
import type { CardPepper } from "../cards/card-code.ts";
import type { BatchChange, CardStore } from "../cards/card-store.ts";
import { createBatch } from "../cards/create-batch.ts";
import type { ChatConnection } from "../chat/chat-connections.ts";
import { hasRoomForFile } from "../chat/say.ts";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { BatchLine, BatchTerms } from "../texts/admin-texts.ts";
import { formatAmount, formatDate } from "../texts/format.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { Texts } from "../texts/texts.ts";
import type { ModelCatalog } from "../upstream/model-catalog.ts";
import { cardsUsage, parseCardOrder } from "./card-order.ts";
import type { Answer, CommandContext } from "./command.ts";
import type { ConnectedCommand } from "./command-list.ts";
import { words } from "./parse-command.ts";
import { quoteArgument } from "./settings-commands.ts";

const BATCHES_SHOWN = 30;
const RECORDS_READ = 100;
const CHANGES: readonly string[] = ["freeze", "unfreeze", "void"] satisfies BatchChange[];

export interface CardsCommandParts {
  readonly cards: CardStore;
  readonly pepper: CardPepper;
  readonly audit: AuditLog;
  readonly models: ModelCatalog;
  readonly currency: string;
  readonly clock: Clock;
}

/** Makes batches of recharge cards and manages their life. */
export function cardsCommand(parts: CardsCommandParts): ConnectedCommand {
  return {
    name: "cards",
    isForAdmins: true,
    async run(context, args, connection) {
      const [action = "", ...rest] = words(args);
      const verb = action.toLowerCase();
      if (verb === "new") return await makeBatch(parts, context, rest, connection);
      if (verb === "list" && rest.length === 0) return await listBatches(parts, context.texts);
      const [name, ...more] = rest;
      if (name === undefined || more.length > 0) throw cardsUsage();
      if (verb === "show") return await showBatch(parts, context.texts, name);
      if (!CHANGES.includes(verb)) throw cardsUsage();
      return await changeBatch(parts, context, name, verb as BatchChange);
    },
  };
}

async function makeBatch(
  parts: CardsCommandParts,
  context: CommandContext,
  args: readonly string[],
  connection: ChatConnection,
): Promise<Answer> {
  const { cards, pepper, audit, models, currency, clock } = parts;
  const { actor, texts, message } = context;
  const order = parseCardOrder(args, { actor, models, now: clock.now() });
  const fileOf = (content: string) => ({
    name: `${order.name}.txt`,
    content,
    caption: texts.batchFileCaption,
  });
  // The codes exist in this file only, so nothing is made that cannot be handed out.
  const checkFile = async (content: string) => {
    const hasRoom = await hasRoomForFile(connection, message.address, fileOf(content));
    if (!hasRoom) throw new UserError("file_no_room");
  };
  const record = recordOf(order, context);
  const making = createBatch(cards, pepper, order, clock.now(), checkFile);
  const batch = await making.catch(async (error: unknown) => {
    if (!(await wasCutOff(parts, record, error))) throw error;
    return null;
  });
  if (batch === null) return { text: texts.batchCutOff(escapeMarkdown(order.name)) };
  await audit.write({ ...record, after: { ...record.after, sha256: batch.sha256 } });
  const redeemUntil = order.redeemUntil === null ? null : lastDay(order.redeemUntil);
  return {
    text: texts.batchCreated({
      name: escapeMarkdown(batch.name),
      count: order.count,
      amount: formatAmount(order.unit, order.amount, texts, currency),
      days: order.validDays,
      redeemUntil,
      ...termsOf(order),
      sha256: batch.sha256,
    }),
    file: fileOf(batch.fileText),
    undoFile: async () => {
      await changeBatch(parts, context, batch.name, "void");
      return texts.batchLost(escapeMarkdown(batch.name));
    },
  };
}

function recordOf(order: BatchOrder, { actor, cause }: CommandContext) {
  const redeemUntil = order.redeemUntil === null ? null : lastDay(order.redeemUntil);
  return {
    cause: `cards new:${cause}`,
    actor,
    action: "cards new",
    target: order.name,
    reason: "",
    before: null,
    after: {
      count: order.count,
      unit: order.unit,
      amount: String(order.amount),
      validDays: order.validDays,
      redeemUntil,
      perAccountMax: order.perAccountMax,
      models: order.modelScope,
    },
  };
}

/** Whether the batch that has the name already is of the same message, before a crash. */
async function wasCutOff(
  { cards, audit }: CardsCommandParts,
  record: AuditRecord,
  error: unknown,
): Promise<boolean> {
  if (!(error instanceof UserError && error.code === "batch_exists")) return false;
  const records = await audit.listAbout(record.target, RECORDS_READ);
  const made = records.filter(({ action }) => action === record.action);
  if (made.some(({ cause }) => cause === record.cause)) return true;
  const batch = await cards.findBatch(record.target);
  if (made.length > 0 || batch?.createdBy !== record.actor) return false;
  // It did not even come to be noted down.
  await audit.write(record);
  return true;
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
  { actor, cause, texts }: CommandContext,
  name: string,
  change: BatchChange,
): Promise<Answer> {
  const { before, after } = await cards.changeBatch(name, change);
  await audit.write({
    cause: `cards ${change}:${cause}`,
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
    ...termsOf(batch),
  };
}

function termsOf({
  perAccountMax,
  modelScope,
}: Pick<CardBatch, "perAccountMax" | "modelScope">): BatchTerms {
  return { perAccountMax, models: modelScope?.map(escapeMarkdown) ?? null };
}
