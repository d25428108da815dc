import type { Config } from "../config.ts";
import { LinkAccounts } from "../core/account/link-accounts.ts";
import { createLinkCodeHmac } from "../core/account/link-code.ts";
import { WelcomePerson } from "../core/account/welcome-person.ts";
import type { RuntimeSettings } from "../core/admin/runtime-settings.ts";
import type { SendNotices } from "../core/admin/send-notices.ts";
import { WatchIncidents } from "../core/admin/watch-incidents.ts";
import { AnswerLinks } from "../core/answer-links.ts";
import { AskQuestion } from "../core/ask-question.ts";
import { createCardPepper } from "../core/cards/card-code.ts";
import { TellLowStock } from "../core/cards/low-stock.ts";
import { RedeemCards } from "../core/cards/redeem-cards.ts";
import type { ChatConnections } from "../core/chat/chat-connections.ts";
import type { Clock } from "../core/clock.ts";
import { RoleList } from "../core/conversation/role.ts";
import { DeliverNotice } from "../core/deliver-notice.ts";
import { DeliverReply } from "../core/deliver-reply.ts";
import { EditQuestion } from "../core/edit-question.ts";
import { FinishReply } from "../core/finish-reply.ts";
import { GenerateReply } from "../core/generate-reply.ts";
import type { Logger } from "../core/log.ts";
import { PromptBuilder } from "../core/prompt-builder.ts";
import { ReplyDispatcher } from "../core/reply-dispatcher.ts";
import type { ReplyFeed } from "../core/reply-feed.ts";
import { ReplyHeartbeat } from "../core/reply-heartbeat.ts";
import type { ReplyQueue } from "../core/reply-queue.ts";
import { ResumeDeliveries } from "../core/resume-deliveries.ts";
import { RetryReply } from "../core/retry-reply.ts";
import { StopReplies } from "../core/stop-replies.ts";
import { textsFor } from "../core/texts/locales.ts";
import { ModelCatalog } from "../core/upstream/model-catalog.ts";
import type { UpstreamPool } from "../core/upstream/upstream-pool.ts";
import type { Metrics } from "../metrics.ts";
import type { SecretKey } from "../store/secret-key.ts";
import { loadO200kCounter } from "../upstreams/o200k-ranks.ts";
import type { Stores } from "./create-stores.ts";

export interface CoreParts {
  readonly config: Config;
  readonly stores: Stores;
  readonly secretKey: SecretKey;
  readonly queue: ReplyQueue;
  readonly feed: ReplyFeed;
  readonly pool: UpstreamPool;
  readonly runtime: RuntimeSettings;
  readonly notices: SendNotices;
  readonly connections: () => ChatConnections;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The use cases, and beside them what commands need of stores and settings. */
export type Core = ReturnType<typeof createCore>;

export function createCore(parts: CoreParts) {
  const { config, stores, queue, feed, pool, runtime, connections, metrics, clock, log } = parts;
  const { accounts, conversations, replies, ledger, cards } = stores;
  const { chat: settings, currency } = config;
  const models = new ModelCatalog(config.models, () => runtime.prices);
  const roles = new RoleList(config.roles);
  const prompts = new PromptBuilder(conversations, loadO200kCounter);
  const { patient } = stores;
  const dispatcher = new ReplyDispatcher({
    ...{ replies: patient.replies, queue, clock, log },
    outbox: stores.outbox,
    runningMax: settings.runningRepliesMax,
  });
  const pepper = createCardPepper(1, parts.secretKey.derive("cards"));
  const shared = { accounts, conversations, replies, ledger, settings, currency, clock, log };
  const common = { ...shared, prompts, models, roles, dispatcher, metrics };
  const { outbox, notices } = stores;
  const resume = new ResumeDeliveries(outbox, notices, dispatcher, queue);
  const { publicUrl } = config.http;
  const answerLinks =
    publicUrl === null ? null : new AnswerLinks(parts.secretKey.derive("answer-pages"), publicUrl);
  // What workers and deliveries do; the rest is done while a person waits.
  const work = { ...common, ...patient };
  const deliver = new DeliverReply({
    ...{ ...work, outbox, resume, answerLinks, connections },
    deliverNotice: new DeliverNotice(notices, connections),
  });
  const finish = new FinishReply(work);
  const heartbeat = new ReplyHeartbeat(patient.replies, log);
  const ask = new AskQuestion({ ...common, deliver });
  const stopReplies = new StopReplies(replies, feed, dispatcher);
  return {
    ...common,
    feed,
    cards,
    pepper,
    pool,
    runtime,
    notices: parts.notices,
    audit: stores.audit,
    stats: stores.stats,
    deliver,
    resume,
    answerLinks,
    heartbeat,
    ask,
    retryReply: new RetryReply({ ...shared, ask, runtime }),
    editQuestion: new EditQuestion({ ask, replies, stopReplies }),
    welcome: new WelcomePerson(accounts, ledger, settings),
    linkAccounts: createLinkAccounts(parts),
    stopReplies,
    lowStock: new TellLowStock(cards, parts.notices, settings),
    incidents: new WatchIncidents({
      ...shared,
      runtime: stores.settings,
      stats: stores.stats,
      notices: parts.notices,
    }),
    generate: new GenerateReply({
      ...work,
      prompts: new PromptBuilder(patient.conversations, loadO200kCounter),
      pool,
      loadTokenCounter: loadO200kCounter,
      feed,
      heartbeat,
      finish,
    }),
    redeemCards: new RedeemCards({
      cards,
      peppers: [pepper],
      clock,
      onStorm: (guesses) => {
        log.warn({ guesses }, "many wrong card codes");
        const text = textsFor(settings.defaultLocale).guessStorm(Math.round(guesses));
        warnAdmins(parts, "storm", text);
      },
    }),
  };
}

function createLinkAccounts(parts: CoreParts): LinkAccounts {
  const { config, stores, notices, clock, log } = parts;
  const settings = config.chat;
  return new LinkAccounts({
    ...{ accounts: stores.accounts, settings, clock, notices, links: stores.accountLinks },
    hmac: createLinkCodeHmac(parts.secretKey.derive("link-codes")),
    onClosed: (tries) => {
      log.warn({ tries }, "many wrong link codes");
      warnAdmins(parts, "links", textsFor(settings.defaultLocale).linkStorm(tries));
    },
  });
}

/** Once in ten minutes for one kind of attack. */
function warnAdmins({ notices, clock, log }: CoreParts, kind: string, text: string): void {
  const cause = `${kind}:${clock.now().toISOString().slice(0, 15)}`;
  notices.toAdmins(cause, text).catch((error) => {
    log.warn({ err: error }, "admins could not be told");
  });
}
