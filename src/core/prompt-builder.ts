import { type ContextWindow, fitContext } from "./conversation/context-window.ts";
import type { ConversationStore } from "./conversation/conversation-store.ts";
import type { LoadTokenCounter } from "./upstream/token-counter.ts";
import type { ChatTurn, TurnImage } from "./upstream/upstream.ts";

/** Older turns than these never fit any context we send, so they are not even read. */
const HISTORY_TURNS_MAX = 200;

export interface PromptRequest {
  readonly conversationId: string;
  readonly systemPrompt: string;
  readonly question: ChatTurn;
  /** Only turns before this one are history; `null` for all. */
  readonly beforeTurn: bigint | null;
  /** A question that is being replaced: it and its answer do not count. */
  readonly exceptTurn: bigint | null;
  readonly inputTokensMax: number;
  /** The model sees pictures; if not, those of earlier turns are left out. */
  readonly images: boolean;
}

/** Puts the prompt of a question together from the stored turns of its conversation. */
export class PromptBuilder {
  readonly #conversations: ConversationStore;
  readonly #loadTokenCounter: LoadTokenCounter;

  constructor(conversations: ConversationStore, loadTokenCounter: LoadTokenCounter) {
    this.#conversations = conversations;
    this.#loadTokenCounter = loadTokenCounter;
  }

  async build(request: PromptRequest): Promise<ContextWindow> {
    const history = await this.#readHistory(request);
    const counter = await this.#loadTokenCounter();
    return fitContext(
      request.systemPrompt,
      history,
      request.question,
      request.inputTokensMax,
      (text) => counter.count(text),
    );
  }

  async readImages(turnId: bigint): Promise<TurnImage[]> {
    const images = await this.#conversations.readImages([turnId]);
    return images.map(({ mediaType, bytes }) => ({ mediaType, bytes }));
  }

  async #readHistory(request: PromptRequest): Promise<ChatTurn[]> {
    const { conversationId, beforeTurn, exceptTurn } = request;
    const turns = await this.#conversations.readContext(conversationId, HISTORY_TURNS_MAX, {
      beforeId: beforeTurn,
      exceptId: exceptTurn,
    });
    const withImages = turns.filter((turn) => turn.imageCount > 0).map((turn) => turn.id);
    const images =
      request.images && withImages.length > 0
        ? await this.#conversations.readImages(withImages)
        : [];
    return turns.map((turn) => ({
      role: turn.author,
      text: turn.text,
      images: images
        .filter((image) => image.turnId === turn.id)
        .map(({ mediaType, bytes }) => ({ mediaType, bytes })),
    }));
  }
}
