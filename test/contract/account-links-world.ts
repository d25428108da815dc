import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Person } from "../../src/core/account/account.ts";
import type { LinkOutcome } from "../../src/core/account/account-links.ts";
import { LINK_CODE_LIFE_MS } from "../../src/core/account/link-accounts.ts";
import { createAccountId } from "../../src/core/ids.ts";
import type { NewReply, ReplyEnd } from "../../src/core/reply-store.ts";
import { PgAccountLinks } from "../../src/store/pg-account-links.ts";
import { PgAccountStore } from "../../src/store/pg-account-store.ts";
import { PgCardStore } from "../../src/store/pg-card-store.ts";
import { PgConversationStore } from "../../src/store/pg-conversation-store.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { PgReplyStore } from "../../src/store/pg-reply-store.ts";
import { systemClock } from "../../src/system-clock.ts";
import { newReplyOf } from "../fakes/new-reply.ts";
import { newCode } from "./account-links.contract.ts";
import { lotOf } from "./ledger-under-test.ts";

export interface Chatter {
  readonly person: Person;
  readonly id: string;
  readonly identityId: bigint;
  readonly channel: string;
}

/** A database with people who chat, own credit and link their accounts. */
export class LinkWorld {
  readonly pool: pg.Pool;
  readonly accounts: PgAccountStore;
  readonly ledger: PgLedger;
  readonly links: PgAccountLinks;
  readonly replies: PgReplyStore;
  readonly conversations: PgConversationStore;
  readonly cards: PgCardStore;

  constructor(pool: pg.Pool) {
    this.pool = pool;
    this.accounts = new PgAccountStore(pool);
    this.ledger = new PgLedger(pool);
    this.links = new PgAccountLinks(pool);
    this.replies = new PgReplyStore(pool);
    this.conversations = new PgConversationStore(pool, systemClock);
    this.cards = new PgCardStore(pool);
  }

  /** Somebody new, in a private chat of their own. */
  async meet(): Promise<Chatter> {
    const channel = `c-${randomUUID()}`;
    const person = await this.accounts.identify({
      platform: "fake",
      bot: "1",
      sender: { platformUserId: channel, displayName: "A", username: null, locale: null },
      directChannel: channel,
    });
    return { person, id: person.account.id, identityId: person.identity.id, channel };
  }

  /** Somebody new with a trial of which so much is left. */
  async meetWithTrial(left: bigint, granted = 10n): Promise<Chatter> {
    const chatter = await this.meet();
    const trial = { unit: "message", kind: "trial", cause: `trial:${chatter.id}` } as const;
    await this.ledger.grant(lotOf(chatter.id, granted, trial));
    await this.accounts.markTrialGranted(chatter.id);
    if (left < granted) {
      const spent = granted - left;
      const outcome = await this.ledger.placeHold(holdMessages(chatter.id, spent));
      if (outcome.status === "held") await this.ledger.captureHold(outcome.holdId, spent);
    }
    return chatter;
  }

  /** `from` types a code of `into`. */
  async link(from: Chatter, into: Chatter): Promise<LinkOutcome> {
    const code = newCode();
    await this.links.issue(into.id, into.identityId, code, LINK_CODE_LIFE_MS);
    return await this.links.link(code, from.identityId);
  }

  async unlink(chatter: Chatter): Promise<string> {
    const fresh = createAccountId();
    await this.links.unlink(chatter.identityId, fresh);
    return fresh;
  }

  async question(chatter: Chatter, changes: Partial<NewReply> = {}): Promise<NewReply> {
    const conversationId = await this.conversations.readCurrent(this.owner(chatter));
    const { id, identityId, channel } = chatter;
    return newReplyOf({ accountId: id, identityId, conversationId, channel }, changes);
  }

  owner(chatter: Chatter, accountId = chatter.id) {
    return { key: `fake:1:${chatter.channel}::${accountId}`, accountId };
  }

  async fundsOf(accountId: string) {
    const { available, held } = await this.ledger.balance(accountId);
    return { available, held };
  }

  async rows<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows;
  }
}

export function holdMessages(accountId: string, count: bigint, cause = randomUUID()) {
  return {
    cause: `test:${cause}`,
    accountId,
    model: "m",
    messageCost: count,
    creditMax: 0n,
    creditMin: 0n,
    leaseMs: 60_000,
  };
}

/** How a reply ended well. */
export function answered(id: string, charge: bigint): ReplyEnd {
  return {
    id,
    state: "answered",
    text: "Fine.",
    charge,
    upstreamCost: 7n,
    modelAnswered: "m-1",
    upstream: "u",
    inputTokens: 10,
    cachedTokens: 0,
    outputTokens: 5,
    usageSource: "upstream",
    usageClamped: false,
    freeReason: null,
    failure: null,
    firstWordAt: new Date(),
    firstWordMs: 100,
    answerMs: 200,
  };
}
