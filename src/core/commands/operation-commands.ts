import type { AuditLog } from "../admin/audit-log.ts";
import type { RuntimeSettings } from "../admin/runtime-settings.ts";
import type { SendNotices } from "../admin/send-notices.ts";
import { parseAmount } from "../billing/amount.ts";
import type { ChatConnections } from "../chat/chat-connections.ts";
import type { ChatSettings } from "../chat-settings.ts";
import { UserError } from "../errors.ts";
import type { ReplyStore } from "../reply-store.ts";
import { textsFor } from "../texts/locales.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { ModelCatalog } from "../upstream/model-catalog.ts";
import type { Command } from "./command.ts";
import { USAGE } from "./command-names.ts";
import { words } from "./parse-command.ts";
import { describePrice, quoteArgument } from "./settings-commands.ts";

export interface OperationParts {
  readonly audit: AuditLog;
  readonly runtime: RuntimeSettings;
  readonly notices: SendNotices;
  readonly connections: () => ChatConnections;
  readonly models: ModelCatalog;
  readonly replies: Pick<ReplyStore, "countOpen">;
  readonly settings: Pick<ChatSettings, "defaultLocale">;
  readonly currency: string;
}

/** Prices are per million tokens; they count from the next question on. */
export function priceCommand({ audit, runtime, models, currency }: OperationParts): Command {
  return {
    name: "price",
    isForAdmins: true,
    async run({ texts, actor, cause }, args) {
      const [name, inputText, outputText, ...more] = words(args);
      if (
        name === undefined ||
        inputText === undefined ||
        outputText === undefined ||
        more.length > 0
      ) {
        throw new UserError("usage", { usage: USAGE.price });
      }
      await runtime.refresh();
      const model = models.find(name);
      if (model === null) throw new UserError("unknown_model", { name: quoteArgument(name) });
      const input = parsePrice(inputText);
      const output = parsePrice(outputText);
      const before = describePrice(model, texts, currency);
      const changed = { ...model, price: { ...model.price, input, output } };
      const after = describePrice(changed, texts, currency);
      // First, so that a crash in between cannot make the record name the new price as the old one.
      await audit.write({
        ...{ cause: `price:${cause}`, actor, action: "price", target: model.name },
        ...{ reason: "", before, after },
      });
      await runtime.setPrice(model.name, input, output);
      return { text: texts.priceChanged({ model: model.name, before, after }) };
    },
  };
}

export function broadcastCommand({ audit, notices, connections }: OperationParts): Command {
  return {
    name: "broadcast",
    isForAdmins: true,
    async run({ texts, actor, cause: message }, args) {
      if (args === "") throw new UserError("usage", { usage: USAGE.broadcast });
      const bots = connections()
        .list()
        .map(({ sender }) => ({ platform: sender.platform, bot: sender.bot }));
      const cause = `broadcast:${message}`;
      const count = await notices.toEveryone(bots, cause, args);
      await audit.write({
        cause,
        actor,
        action: "broadcast",
        target: "everyone",
        reason: "",
        before: null,
        after: { people: count, length: args.length },
      });
      return { text: texts.broadcastQueued(count) };
    },
  };
}

export function drainCommand(parts: Omit<OperationParts, "models" | "currency">): Command {
  const { audit, runtime, replies, notices, settings } = parts;
  return {
    name: "drain",
    isForAdmins: true,
    async run({ message, texts, actor, cause: messageCause }, args) {
      const choice = args.toLowerCase();
      if (!["", "on", "off"].includes(choice)) {
        throw new UserError("usage", { usage: USAGE.drain });
      }
      // What this process read last may be older than another command.
      await runtime.refresh();
      const before = runtime.isDraining;
      const isOn = choice !== "off";
      const running = await replies.countOpen();
      const cause = `drain:${messageCause}`;
      if (isOn !== before) {
        // All before the change, so that a crash in between leaves nobody without the news or the record.
        const news = textsFor(settings.defaultLocale).drainNews({
          actor: escapeMarkdown(actor),
          isOn,
          running,
        });
        await notices.toAdmins(cause, news, message.address);
      }
      await audit.write({
        ...{ cause, actor, action: "drain", target: "service" },
        ...{ reason: "", before, after: isOn },
      });
      await runtime.setDraining(isOn);
      return { text: texts.drained(isOn, running) };
    },
  };
}

function parsePrice(text: string): bigint {
  // Free of charge is a price, though not an amount one could grant.
  if (/^0+(\.0+)?$/.test(text)) return 0n;
  const { unit, amount } = parseAmount(text);
  if (unit !== "credit") throw new UserError("amount_invalid", { amount: quoteArgument(text) });
  return amount;
}
