import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { GroupedLedger } from "../store/grouped-ledger.ts";
import { PgAccountLinks } from "../store/pg-account-links.ts";
import { PgAccountStore } from "../store/pg-account-store.ts";
import { PgCardStore } from "../store/pg-card-store.ts";
import { PgConversationStore } from "../store/pg-conversation-store.ts";
import { PgInboxStore } from "../store/pg-inbox-store.ts";
import { PgLeaderLock } from "../store/pg-leader-lock.ts";
import { PgNoticeStore } from "../store/pg-notice-store.ts";
import { createPgPool, type Patience } from "../store/pg-pool.ts";
import { PgReplyOutbox } from "../store/pg-reply-outbox.ts";
import { PgReplyStore } from "../store/pg-reply-store.ts";
import { PgSettingStore } from "../store/pg-setting-store.ts";
import { PgStatsStore } from "../store/pg-stats-store.ts";
import { PgUpkeep } from "../store/pg-upkeep.ts";
import { PgUpstreamStateStore } from "../store/pg-upstream-state-store.ts";
import { PgWebMessageStore } from "../store/pg-web-message-store.ts";
import { PrismaAuditLog } from "../store/prisma-audit-log.ts";
import { LazyPrisma } from "../store/prisma-client.ts";

/**
 * Enough for one busy process; Postgres' default allows a hundred in all. They are opened when they
 * are needed: a process that only generates opens no hurried one.
 */
const CONNECTIONS_MAX = { hurried: 12, patient: 8, inbox: 4 } as const;

/** Everything that keeps something, on one database. */
export type Stores = ReturnType<typeof createStores>;

export function createStores(databaseUrl: string, clock: Clock, log: Logger) {
  const open = (max: number, patience: Patience) =>
    createPgPool(databaseUrl, { max, applicationName: "dianka", patience });
  // Apart from each other, so that what waits for a lock in one takes no connection from another:
  // people who wait, work that does not, and events, which are saved whatever the rest waits for.
  const hurried = open(CONNECTIONS_MAX.hurried, "hurried");
  const pool = open(CONNECTIONS_MAX.patient, "patient");
  const inboxPool = open(CONNECTIONS_MAX.inbox, "patient");
  const prisma = new LazyPrisma(databaseUrl);
  return {
    /** For work that nobody waits for. */
    pool,
    accounts: new PgAccountStore(hurried),
    accountLinks: new PgAccountLinks(hurried),
    conversations: new PgConversationStore(hurried, clock),
    replies: new PgReplyStore(hurried),
    ledger: new GroupedLedger(hurried),
    cards: new PgCardStore(hurried, pool),
    /** The same for workers and sweeps: they wait for locks instead of doing their work again. */
    patient: {
      accounts: new PgAccountStore(pool),
      conversations: new PgConversationStore(pool, clock),
      replies: new PgReplyStore(pool),
      ledger: new GroupedLedger(pool),
    },
    outbox: new PgReplyOutbox(pool),
    stats: new PgStatsStore(pool),
    inbox: new PgInboxStore(inboxPool),
    webMessages: new PgWebMessageStore(inboxPool),
    upkeep: new PgUpkeep(pool),
    upstreamStates: new PgUpstreamStateStore(pool),
    leaderLock: new PgLeaderLock(databaseUrl, clock, log),
    audit: new PrismaAuditLog(prisma),
    settings: new PgSettingStore(pool),
    notices: new PgNoticeStore(pool, clock),
    async isHealthy(): Promise<boolean> {
      try {
        await pool.query("SELECT 1");
        return true;
      } catch {
        return false;
      }
    },
    async stop(): Promise<void> {
      await prisma.stop();
      await Promise.all([hurried, pool, inboxPool].map((opened) => opened.end()));
    },
  };
}
