import type { AccountStore } from "./account/account-store.ts";
import type { AnswerLinks } from "./answer-links.ts";
import type { Ledger } from "./billing/ledger.ts";
import type { ChatAddress } from "./chat/chat-address.ts";
import type { ChatConnection, ChatConnections } from "./chat/chat-connections.ts";
import { replyTarget } from "./chat/incoming-message.ts";
import { ReplyWriter } from "./chat/reply-writer.ts";
import type { ChatSettings } from "./chat-settings.ts";
import type { Clock } from "./clock.ts";
import type { DeliverNotice } from "./deliver-notice.ts";
import { OutsideError } from "./errors.ts";
import type { Logger } from "./log.ts";
import { PreviewTextAssembler } from "./preview-text-assembler.ts";
import type { ReplyFeed, ReplyProgress } from "./reply-feed.ts";
import type { ReplyMetrics } from "./reply-metrics.ts";
import type { ReplyOutbox } from "./reply-outbox.ts";
import { presentReply } from "./reply-presentation.ts";
import type { Delivery } from "./reply-queue.ts";
import type { Reply, ReplyStore, ShownMessage } from "./reply-store.ts";
import type { ResumeDeliveries } from "./resume-deliveries.ts";
import { textsFor } from "./texts/locales.ts";

/** A reply whose end was lost on the way is forgotten here; the delivery job finds it anew. */
const LIVE_MAX = 10_000;
const STOP_LIMIT_MS = 5_000;

/** A reply as far as showing it needs to know it. */
export interface ReplyToShow {
  readonly id: string;
  readonly address: ChatAddress;
  readonly isDirect: boolean;
  readonly messageId: string;
  readonly locale: string;
}

interface LiveReply {
  readonly writer: ReplyWriter;
  readonly preview: PreviewTextAssembler;
}

export interface DeliverReplyParts {
  readonly replies: ReplyStore;
  readonly accounts: AccountStore;
  readonly ledger: Ledger;
  readonly outbox: ReplyOutbox;
  readonly resume: ResumeDeliveries;
  readonly deliverNotice: DeliverNotice;
  readonly connections: () => ChatConnections;
  /** `null` when people cannot open a page of ours. */
  readonly answerLinks: AnswerLinks | null;
  readonly settings: ChatSettings;
  readonly currency: string;
  readonly metrics: ReplyMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Shows replies in their chats: previews while they grow, then the final text.
 *
 * Previews come over the lossy feed and may be missed; the final text comes by a durable job. The
 * ids of the messages a reply is shown in are saved before anything else happens, so that a
 * restart goes on in the same messages. Delivering twice changes nothing.
 */
export class DeliverReply {
  readonly #parts: DeliverReplyParts;
  readonly #live = new Map<string, LiveReply>();
  readonly #loading = new Set<string>();
  #isStopped = false;

  constructor(parts: DeliverReplyParts) {
    this.#parts = parts;
  }

  /** Shows previews of what comes over `feed`. Returns what ends that. */
  follow(feed: ReplyFeed): () => void {
    return feed.subscribeProgress((progress) => this.#onProgress(progress));
  }

  /** The question has been taken: shows at once that somebody is there. Never throws. */
  begin(reply: ReplyToShow, connection: ChatConnection): void {
    if (this.#isStopped || this.#live.has(reply.id)) return;
    this.#open(reply, connection, []);
    void this.#showTyping(reply, connection);
  }

  /**
   * Shows no further previews and waits for those on their way, so that the ids of their messages are
   * saved for whoever goes on. Gives up waiting when `hurry` aborts, or after a few seconds.
   */
  async stop(hurry: AbortSignal): Promise<void> {
    this.#isStopped = true;
    const writers = Array.from(this.#live.values(), ({ writer }) => writer.stop());
    const over = new AbortController();
    const late = this.#parts.clock.sleep(STOP_LIMIT_MS, AbortSignal.any([hurry, over.signal]));
    await Promise.race([Promise.allSettled(writers), late]);
    over.abort();
  }

  async run(delivery: Delivery, signal: AbortSignal): Promise<void> {
    if (delivery.kind === "notice") await this.#parts.deliverNotice.run(delivery.id);
    else await this.#deliverReply(delivery.id, signal);
  }

  /** The platform kept refusing: the answer stays in the history, where the person finds it. */
  async giveUp(delivery: Delivery, error: unknown): Promise<void> {
    this.#parts.log.error({ err: error, ...delivery }, "delivery was given up");
    if (delivery.kind === "notice") await this.#parts.deliverNotice.giveUp(delivery.id);
    else await this.#end(delivery.id, "", false);
  }

  async #deliverReply(replyId: string, signal: AbortSignal): Promise<void> {
    const { replies, accounts, ledger, connections, settings, currency, metrics, clock } =
      this.#parts;
    const reply = await replies.find(replyId);
    if (reply === null || reply.answeredAt === null || reply.deliveredAt !== null) {
      this.#forget(replyId);
      return;
    }
    const connection = connections().find(reply.address.platform, reply.address.bot);
    // The bot has moved to another process, or comes back with the next configuration.
    if (connection === null) throw new OutsideError("gateway", "unreachable");
    const final = presentReply(reply, {
      texts: textsFor(reply.locale),
      account: await accounts.find(reply.accountId),
      balance: await ledger.balance(reply.accountId),
      currency,
      showReceipt: settings.receipt,
    });
    const shown = await replies.listMessages(replyId);
    // Stopped while it waited in line: nothing was shown, and the person was told already.
    if (reply.state === "stopped" && reply.text === "" && shown.length === 0) {
      await this.#end(replyId, "", true);
      return;
    }
    const { writer } = this.#live.get(replyId) ?? this.#open(reply, connection, shown);
    const abort = () => void writer.stop();
    signal.addEventListener("abort", abort);
    try {
      if (!(await writer.finish(final))) {
        await this.#park(reply, final.receipt);
        return;
      }
      await this.#end(replyId, final.receipt, true);
      const lagMs = clock.now().getTime() - reply.answeredAt.getTime();
      metrics.replyDelivered({ platform: reply.address.platform, lagMs });
      if (connection.sender.capabilities.sendsPerMessageMax !== null) {
        await this.#parts.resume.next(reply.address);
      }
    } catch (error) {
      this.#forget(replyId);
      if (!(error instanceof OutsideError) || error.kind !== "chat_gone") throw error;
      this.#parts.log.info({ replyId, platform: reply.address.platform }, "chat is closed to us");
      await this.#end(replyId, final.receipt, false);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #onProgress(progress: ReplyProgress): void {
    if (this.#isStopped) return;
    const live = this.#live.get(progress.replyId);
    if (live === undefined) {
      void this.#adopt(progress);
      return;
    }
    if (progress.type === "started") {
      live.writer.showPlaceholder();
      return;
    }
    const text = live.preview.add(progress);
    if (text !== null) live.writer.write(text);
  }

  /** A reply of a bot of ours that an earlier process began to show. */
  async #adopt({ replyId, bot }: ReplyProgress): Promise<void> {
    const connection = this.#parts.connections().find(bot.platform, bot.bot);
    if (connection === null || this.#loading.has(replyId)) return;
    this.#loading.add(replyId);
    try {
      const reply = await this.#parts.replies.find(replyId);
      const shown = await this.#parts.replies.listMessages(replyId);
      if (reply === null || reply.answeredAt !== null) return;
      if (this.#isStopped || this.#live.has(replyId)) return;
      this.#open(reply, connection, shown);
    } catch (error) {
      this.#parts.log.warn({ err: error, replyId }, "preview could not be taken over");
    } finally {
      this.#loading.delete(replyId);
    }
  }

  #open(reply: ReplyToShow, connection: ChatConnection, shown: readonly ShownMessage[]): LiveReply {
    const texts = textsFor(reply.locale);
    const writer = new ReplyWriter({
      sender: connection.sender,
      budget: connection.budget,
      clock: this.#parts.clock,
      address: reply.address,
      isDirect: reply.isDirect,
      replyTo: replyTarget({ id: reply.messageId, isDirect: reply.isDirect }),
      placeholderText: texts.placeholder,
      restText: texts.restWaits(this.#parts.answerLinks?.linkTo(reply.id) ?? null),
      stopButton: { action: "stop", replyId: reply.id, label: texts.buttons.stop },
      existing: shown.map(({ channel, messageId }) => ({
        address: { ...reply.address, channel },
        id: messageId,
      })),
      onPreviewFailed: (error) => {
        this.#parts.log.debug({ err: error, replyId: reply.id }, "preview was not shown");
      },
      onSent: async (position, sent) => {
        await this.#parts.replies.saveMessage(reply.id, {
          position,
          channel: sent.address.channel,
          messageId: sent.id,
        });
      },
    });
    const live = { writer, preview: new PreviewTextAssembler() };
    this.#live.set(reply.id, live);
    const oldest = this.#live.keys().next().value;
    if (this.#live.size > LIVE_MAX && oldest !== undefined) this.#forget(oldest);
    return live;
  }

  async #showTyping(reply: ReplyToShow, { sender, budget }: ChatConnection): Promise<void> {
    if (sender.capabilities.typingMs === null) return;
    try {
      const mayCall = await budget.turn(
        { address: reply.address, isDirect: reply.isDirect },
        "typing",
      );
      if (mayCall) await sender.showTyping(reply.address);
    } catch (error) {
      // Nothing depends on it; a real fault shows with the first message.
      this.#parts.log.debug({ err: error, replyId: reply.id }, "typing was not shown");
    }
  }

  /** The platform takes no more until the person writes: `ResumeDeliveries` goes on then. */
  async #park(reply: Reply, receipt: string): Promise<void> {
    await this.#parts.outbox.park(reply.id, receipt);
    this.#forget(reply.id);
    const { platform } = reply.address;
    this.#parts.log.info({ replyId: reply.id, platform }, "the rest waits for the person");
  }

  async #end(replyId: string, receipt: string, isReadable: boolean): Promise<void> {
    await this.#parts.replies.markDelivered(replyId, receipt, isReadable);
    this.#forget(replyId);
  }

  #forget(replyId: string): void {
    const live = this.#live.get(replyId);
    this.#live.delete(replyId);
    void live?.writer.stop();
  }
}
