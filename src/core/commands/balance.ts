import type { StatsStore } from "../admin/stats-store.ts";
import type { Ledger } from "../billing/ledger.ts";
import type { Clock } from "../clock.ts";
import { formatAmount, formatDate, formatFunds, startOfDay } from "../texts/format.ts";
import type { Command } from "./command.ts";

export function balanceCommand(parts: {
  ledger: Ledger;
  stats: StatsStore;
  currency: string;
  clock: Clock;
}): Command {
  return {
    name: "balance",
    isForAdmins: false,
    async run({ texts, person }) {
      const { ledger, stats, currency, clock } = parts;
      const { account } = person;
      const balance = await ledger.balance(account.id);
      const today = await stats.readAccount(account.id, startOfDay(clock.now()));
      const text = texts.balance({
        credit: formatAmount("credit", balance.available.credit, texts, currency),
        messages: formatAmount("message", balance.available.message, texts, currency),
        lots: balance.lots.map((lot) => ({
          amount: formatAmount(lot.unit, lot.remaining, texts, currency),
          kind: lot.kind,
          validUntil: lot.validUntil === null ? null : formatDate(lot.validUntil),
          models: lot.modelScope,
        })),
        today: {
          requests: today.requests,
          cost: formatFunds({ credit: today.credit, message: today.messages }, texts, currency),
        },
      });
      return { text: `${text}\n\n${texts.howToTopUp}`, isPrivate: true };
    },
  };
}
