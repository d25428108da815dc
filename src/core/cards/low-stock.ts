import type { SendNotices } from "../admin/send-notices.ts";
import type { ChatSettings } from "../chat-settings.ts";
import { textsFor } from "../texts/locales.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { CardStore } from "./card-store.ts";

/** Whoever prints so few cards knows how many are left. */
const BATCH_MIN = 20;
const CARDS_MIN = 10;
const SHARE = 0.1;
const PORTION = 50;

/** Few cards are left of a batch when fewer than this are; 0: admins are not told of such a batch. */
export function lowStockBound(count: number): number {
  return count < BATCH_MIN ? 0 : Math.max(CARDS_MIN, Math.ceil(count * SHARE));
}

/** What `lowStockBound` computes, for a store that computes it itself. */
export const LOW_STOCK = { batchMin: BATCH_MIN, cardsMin: CARDS_MIN, share: SHARE } as const;

/**
 * Tells admins when few cards of a batch are left, once a batch: batches are never refilled. It
 * looks from time to time instead of at each redeeming, so that people who redeem at once neither
 * count cards nor wait for each other.
 */
export class TellLowStock {
  readonly #cards: Pick<CardStore, "listLowStock" | "noteLowStockTold">;
  readonly #notices: Pick<SendNotices, "toAdmins">;
  readonly #settings: Pick<ChatSettings, "defaultLocale">;

  constructor(
    cards: Pick<CardStore, "listLowStock" | "noteLowStockTold">,
    notices: Pick<SendNotices, "toAdmins">,
    settings: Pick<ChatSettings, "defaultLocale">,
  ) {
    this.#cards = cards;
    this.#notices = notices;
    this.#settings = settings;
  }

  /** May run in several processes at once, and again after a crash: the cause makes it one notice. */
  async sweep(): Promise<void> {
    const texts = textsFor(this.#settings.defaultLocale);
    for (const { id, name, left, count } of await this.#cards.listLowStock(PORTION)) {
      const text = texts.lowStock({ batch: escapeMarkdown(name), left, count });
      await this.#notices.toAdmins(`low-stock:${id}`, text);
      await this.#cards.noteLowStockTold(id);
    }
  }
}
