import type { Person } from "./account/account.ts";
import { holdOf } from "./billing/price-list.ts";
import type { ChatConnection } from "./chat/chat-connections.ts";
import type { IncomingMessage } from "./chat/incoming-message.ts";
import type { ChatSettings } from "./chat-settings.ts";
import type { Clock } from "./clock.ts";
import { conversationOwner } from "./conversation/conversation-owner.ts";
import type { ConversationStore } from "./conversation/conversation-store.ts";
import type { RoleList } from "./conversation/role.ts";
import type { DeliverReply } from "./deliver-reply.ts";
import { UserError } from "./errors.ts";
import { createId } from "./ids.ts";
import type { PromptBuilder } from "./prompt-builder.ts";
import type { ReplyDispatcher } from "./reply-dispatcher.ts";
import type { NewReply, OpenOutcome, ReplyStore } from "./reply-store.ts";
import { formatAmount, formatFunds } from "./texts/format.ts";
import { textsFor } from "./texts/locales.ts";
import type { Model, ModelCatalog } from "./upstream/model-catalog.ts";
import type { TurnImage } from "./upstream/upstream.ts";

/** How long a hold lives without a sign of life of its reply. */
export const HOLD_LEASE_MS = 15 * 60_000;

/** An answer shorter than this helps nobody: rather say that credit is missing. */
const OUTPUT_TOKENS_FLOOR = 256;
/** Longer messages are whole thoughts; nobody waits for more of them. */
const BURST_TEXT_LENGTH_MAX = 200;

/** What a person wants answered. */
export interface Question {
  readonly message: Pick<IncomingMessage, "id" | "address" | "isDirect" | "receivedAt">;
  readonly person: Person;
  readonly locale: string;
  readonly text: string;
  readonly images: readonly TurnImage[];
  /** The turn of the same question asked before, in a retry or an edit: it leaves the context. */
  readonly replaces: { readonly turnId: bigint; readonly conversationId: string } | null;
}

export interface AskQuestionParts {
  readonly conversations: ConversationStore;
  readonly replies: ReplyStore;
  readonly prompts: PromptBuilder;
  readonly models: ModelCatalog;
  readonly roles: RoleList;
  readonly dispatcher: ReplyDispatcher;
  readonly deliver: DeliverReply;
  readonly settings: ChatSettings;
  readonly currency: string;
  readonly clock: Clock;
}

/**
 * Takes a question: holds the most its answer can cost, saves it and has it answered. The same
 * message twice is one question. Throws `UserError` when it cannot be taken; then nothing was
 * saved or held.
 */
export class AskQuestion {
  readonly #parts: AskQuestionParts;

  constructor(parts: AskQuestionParts) {
    this.#parts = parts;
  }

  async ask(question: Question, connection: ChatConnection): Promise<void> {
    const { person, message } = question;
    const waitMs = this.#waitMs(question, connection);
    let { reply, outcome } = await this.#open(question, waitMs, true);
    // The question it belonged to has just begun to be answered: it becomes the next one.
    if (outcome.status === "too_late") {
      ({ reply, outcome } = await this.#open(question, waitMs, false));
    }
    this.#refuse(outcome, reply, question);
    if (!("released" in outcome)) return;
    if (outcome.status !== "duplicate") {
      this.#parts.deliver.begin(
        {
          id: outcome.replyId,
          address: message.address,
          isDirect: message.isDirect,
          messageId: message.id,
          locale: question.locale,
        },
        connection,
      );
    }
    // A known message too: the crash that had it sent again may have come before this.
    const { dispatcher } = this.#parts;
    if (waitMs === 0) dispatcher.run(outcome.released);
    else dispatcher.schedule(person.account.id, waitMs);
  }

  #waitMs(question: Question, connection: ChatConnection): number {
    const { burstMs } = this.#parts.settings;
    const isShort = question.text.length <= BURST_TEXT_LENGTH_MAX;
    return connection.sender.capabilities.bursts && isShort && question.replaces === null
      ? burstMs
      : 0;
  }

  async #open(
    question: Question,
    waitMs: number,
    mayMerge: boolean,
  ): Promise<{ reply: NewReply; outcome: OpenOutcome }> {
    const { account } = question.person;
    const { replies, models, settings, clock } = this.#parts;
    const conversationId = await this.#readConversation(question);
    const gathering =
      mayMerge && waitMs > 0 ? await replies.findGathering(conversationId, account.id) : null;
    const text = gathering === null ? question.text : `${gathering.text}\n${question.text}`;
    const model = models.choose(account.model);
    const inputTokens = await this.#countInput(question, conversationId, text, model);
    const reply: NewReply = {
      id: createId(clock.now()),
      mergeInto: gathering?.id ?? null,
      accountId: account.id,
      identityId: question.person.identity.id,
      conversationId,
      address: question.message.address,
      isDirect: question.message.isDirect,
      messageId: question.message.id,
      locale: question.locale,
      text: question.text,
      title: text.replace(/\s+/g, " ").trim().slice(0, 60),
      images: question.images,
      model: model.name,
      price: priceSnapshot(model, inputTokens),
      inputTokens,
      outputTokensMax: model.outputTokensMax,
      leaseMs: HOLD_LEASE_MS,
      waitMs,
      openRepliesMax: settings.openRepliesMax,
      runningMax: settings.runningRepliesMax,
      receivedAt: question.message.receivedAt,
      supersedesTurn: question.replaces?.turnId ?? null,
    };
    return { reply, outcome: await replies.open(reply) };
  }

  async #readConversation(question: Question): Promise<string> {
    if (question.replaces !== null) return question.replaces.conversationId;
    const { message, person } = question;
    return await this.#parts.conversations.readCurrent(
      conversationOwner(
        message.address,
        message.isDirect,
        person.account.id,
        this.#parts.settings.groupContext,
      ),
    );
  }

  /** The whole prompt, counting what answers still being written may add to it by then. */
  async #countInput(
    question: Question,
    conversationId: string,
    text: string,
    model: Model,
  ): Promise<number> {
    const { prompts, roles, replies, settings } = this.#parts;
    const inputTokensMax = contextTokensMax(model, settings);
    const build = prompts.build({
      conversationId,
      systemPrompt: roles.choose(question.person.account.role).prompt,
      question: { role: "user", text, images: model.images ? question.images : [] },
      beforeTurn: null,
      exceptTurn: question.replaces?.turnId ?? null,
      inputTokensMax,
      images: model.images,
    });
    const [{ inputTokens }, pending] = await Promise.all([
      build,
      replies.countPendingTokens(conversationId),
    ]);
    const expected = Math.max(inputTokens, Math.min(inputTokens + pending, inputTokensMax));
    if (expected > model.contextTokens - OUTPUT_TOKENS_FLOOR) {
      throw new UserError("message_too_long", {
        length: text.length,
        lengthMax: Math.floor(model.contextTokens / 2),
      });
    }
    return expected;
  }

  #refuse(outcome: OpenOutcome, reply: NewReply, question: Question): void {
    const { settings, currency } = this.#parts;
    const texts = textsFor(question.locale);
    if (outcome.status === "queue_full") {
      throw new UserError("queue_full", { count: settings.openRepliesMax });
    }
    if (outcome.status === "insufficient") {
      const { messageCost, creditMin } = reply.price;
      const inMessages =
        messageCost === null ? [] : [formatAmount("message", messageCost, texts, currency)];
      const needed = [...inMessages, formatAmount("credit", creditMin, texts, currency)];
      throw new UserError("insufficient_credit", {
        needed: needed.join(" / "),
        available: formatFunds(
          { credit: outcome.creditAvailable, message: outcome.messagesAvailable },
          texts,
          currency,
        ),
      });
    }
  }
}

export function contextTokensMax(model: Model, settings: ChatSettings): number {
  return Math.min(settings.contextTokensMax, model.contextTokens - model.outputTokensMax);
}

function priceSnapshot(model: Model, inputTokens: number) {
  const { price, outputTokensMax } = model;
  const floor = Math.min(OUTPUT_TOKENS_FLOOR, outputTokensMax);
  return {
    input: price.input,
    cachedInput: price.cachedInput,
    output: price.output,
    messageCost: price.messageCost,
    creditMax: holdOf(inputTokens, outputTokensMax, price),
    creditMin: holdOf(inputTokens, floor, price),
  };
}
