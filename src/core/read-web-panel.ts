import type { Account } from "./account/account.ts";
import type { AccountStore } from "./account/account-store.ts";
import type { Ledger } from "./billing/ledger.ts";
import type { PanelState, PanelTurn, WebPanel, WebViewer } from "./chat/web-panel.ts";
import type { ChatSettings } from "./chat-settings.ts";
import { CONVERSATIONS_SHOWN } from "./commands/conversation-commands.ts";
import { describePrice } from "./commands/settings-commands.ts";
import { conversationOwner } from "./conversation/conversation-owner.ts";
import type { ConversationStore } from "./conversation/conversation-store.ts";
import { type RoleList, roleTitle } from "./conversation/role.ts";
import { UserError } from "./errors.ts";
import type { ReplyStore } from "./reply-store.ts";
import { formatAmount } from "./texts/format.ts";
import { LOCALES, matchLocale, textsFor } from "./texts/locales.ts";
import type { ModelCatalog } from "./upstream/model-catalog.ts";

const RECEIPTS_SHOWN = 5;
const TURNS_SHOWN = 200;

export interface ReadWebPanelParts {
  readonly accounts: AccountStore;
  readonly ledger: Ledger;
  readonly conversations: ConversationStore;
  readonly replies: ReplyStore;
  readonly models: ModelCatalog;
  readonly roles: RoleList;
  readonly settings: ChatSettings;
  readonly currency: string;
}

/** What the web page shows beside the messages, read from the same stores as the commands. */
export class ReadWebPanel implements WebPanel {
  readonly #parts: ReadWebPanelParts;

  constructor(parts: ReadWebPanelParts) {
    this.#parts = parts;
  }

  async readState(viewer: WebViewer): Promise<PanelState> {
    const { ledger, models, roles, settings, currency } = this.#parts;
    const account = await this.#findAccount(viewer);
    const locale =
      matchLocale(account?.locale ?? null) ??
      matchLocale(viewer.sender.locale) ??
      settings.defaultLocale;
    const texts = textsFor(locale);
    const balance = account === null ? null : await ledger.balance(account.id);
    // Whoever has not written yet is shown the trial that waits for them.
    const available = balance?.available ?? { credit: 0n, message: BigInt(settings.trialMessages) };
    const model = models.choose(account?.model ?? null).name;
    const role = roles.choose(account?.role ?? null).name;
    return {
      locale,
      balance: {
        credit: formatAmount("credit", available.credit, texts, currency),
        messages: String(available.message),
        lots: (balance?.lots ?? []).map((lot) => ({
          unit: lot.unit,
          kind: lot.kind,
          remaining:
            lot.unit === "message"
              ? String(lot.remaining)
              : formatAmount(lot.unit, lot.remaining, texts, currency),
          validUntil: lot.validUntil?.toISOString() ?? null,
        })),
      },
      models: models.list().map((candidate) => ({
        name: candidate.name,
        title: candidate.name,
        price: describePrice(candidate, texts, currency),
        seesImages: candidate.images,
        isSelected: candidate.name === model,
      })),
      roles: roles.list().map((candidate) => ({
        name: candidate.name,
        title: roleTitle(candidate, locale),
        isSelected: candidate.name === role,
      })),
      locales: LOCALES.map((code) => ({
        name: code,
        title: textsFor(code).languageName,
        isSelected: code === locale,
      })),
      conversations: await this.#listConversations(viewer, account),
      receipts: await this.#listReceipts(account, locale),
      isAdmin: viewer.isAdmin,
    };
  }

  async readTurns(viewer: WebViewer, number: number): Promise<readonly PanelTurn[]> {
    const account = await this.#findAccount(viewer);
    const list = account === null ? [] : await this.#conversationsOf(viewer, account);
    const conversation = list[number - 1];
    if (conversation === undefined) throw new UserError("unknown_conversation", { number });
    const turns = await this.#parts.conversations.readTurns(conversation.id, TURNS_SHOWN);
    return turns.map(({ author, text, createdAt }) => ({
      author,
      text,
      at: createdAt.toISOString(),
    }));
  }

  async #findAccount({ address, sender }: WebViewer): Promise<Account | null> {
    const found = await this.#parts.accounts.search(`${address.platform}:${sender.platformUserId}`);
    return found[0] ?? null;
  }

  async #conversationsOf({ address }: WebViewer, account: Account) {
    const { conversations, settings } = this.#parts;
    const owner = conversationOwner(address, true, account.id, settings.groupContext);
    return await conversations.list(owner, CONVERSATIONS_SHOWN);
  }

  async #listConversations(viewer: WebViewer, account: Account | null) {
    if (account === null) return [];
    const list = await this.#conversationsOf(viewer, account);
    return list.map(({ title, lastTurnAt, isCurrent }, index) => ({
      number: index + 1,
      title,
      at: lastTurnAt.toISOString(),
      isCurrent,
    }));
  }

  async #listReceipts(account: Account | null, locale: string) {
    if (account === null) return [];
    const texts = textsFor(locale);
    const replies = await this.#parts.replies.listRecent(account.id, RECEIPTS_SHOWN);
    return replies.map((reply) => ({
      at: (reply.answeredAt ?? reply.receivedAt).toISOString(),
      model: reply.modelAnswered ?? reply.modelAsked,
      charge:
        reply.freeReason === null
          ? formatAmount(reply.unit, reply.charge, texts, this.#parts.currency)
          : texts.freeReasons[reply.freeReason],
    }));
  }
}
