import type { LotKind, Unit } from "../billing/lot.ts";
import type { ChatAddress } from "./chat-address.ts";
import type { Sender } from "./incoming-message.ts";

/** Who looks at the page. */
export interface WebViewer {
  readonly address: ChatAddress;
  readonly sender: Sender;
  /** They came with the key of the admin chat. */
  readonly isAdmin: boolean;
}

export interface PanelLot {
  readonly unit: Unit;
  readonly kind: LotKind;
  /** Credit with its currency, such as "4.20 USD"; messages as a bare number, such as "37". */
  readonly remaining: string;
  /** ISO 8601; `null`: it never ends. */
  readonly validUntil: string | null;
}

export interface PanelModel {
  readonly name: string;
  readonly title: string;
  /** One short phrase, such as "1 message" or "$0.25 / $2.00 per million tokens". */
  readonly price: string;
  readonly seesImages: boolean;
  readonly isSelected: boolean;
}

export interface PanelChoice {
  /** What follows the command: `/role NAME`, `/lang NAME`. */
  readonly name: string;
  readonly title: string;
  readonly isSelected: boolean;
}

export interface PanelConversation {
  /** What follows `/resume` right now. */
  readonly number: number;
  readonly title: string;
  /** ISO 8601, of its last turn. */
  readonly at: string;
  readonly isCurrent: boolean;
}

/** What one of the last answers cost. */
export interface PanelReceipt {
  /** ISO 8601. */
  readonly at: string;
  readonly model: string;
  /** In words for a person, such as "1 message" or "US$0.0031"; "free" ones say so. */
  readonly charge: string;
}

/** What the side panel of the page shows, in the viewer's language. */
export interface PanelState {
  readonly locale: string;
  readonly balance: {
    /** What may be spent: credit with its currency, messages as a bare number. */
    readonly credit: string;
    readonly messages: string;
    readonly lots: readonly PanelLot[];
  };
  readonly models: readonly PanelModel[];
  readonly roles: readonly PanelChoice[];
  readonly locales: readonly PanelChoice[];
  /** Newest first. */
  readonly conversations: readonly PanelConversation[];
  /** Newest first. */
  readonly receipts: readonly PanelReceipt[];
  readonly isAdmin: boolean;
}

export interface PanelTurn {
  readonly author: "user" | "assistant";
  readonly text: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Answers what the web page shows beside the messages. It only reads: looking creates no account. */
export interface WebPanel {
  readState(viewer: WebViewer): Promise<PanelState>;
  /**
   * The turns of the conversation with that number, oldest first.
   * Throws `UserError("unknown_conversation")`.
   */
  readTurns(viewer: WebViewer, number: number): Promise<readonly PanelTurn[]>;
}
