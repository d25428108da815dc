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
import { createPgPool } from "../store/pg-pool.ts";
import { PgReplyOutbox } from "../store/pg-reply-outbox.ts";
import { PgReplyStore } from "../store/pg-reply-store.ts";
import { PgSettingStore } from "../store/pg-setting-store.ts";
import { PgStatsStore } from "../store/pg-stats-store.ts";
import { PgUpkeep } from "../store/pg-upkeep.ts";
import { PgUpstreamStateStore } from "../store/pg-upstream-state-store.ts";
import { PgWebMessageStore } from "../store/pg-web-message-store.ts";
import { PrismaAuditLog } from "../store/prisma-audit-log.ts";
import { LazyPrisma } from "../store/prisma-client.ts";

/** Enough for the questions of one busy process; Postgres' default allows a hundred in all. */
const CONNECTIONS_MAX = 16;

/** Everything that keeps something, on one database. */
export type Stores = ReturnType<typeof createStores>;

export function createStores(databaseUrl: string, clock: Clock, log: Logger) {
  const pool = createPgPool(databaseUrl, { max: CONNECTIONS_MAX, applicationName: "dianka" });
  const prisma = new LazyPrisma(databaseUrl);
  return {
    pool,
    accounts: new PgAccountStore(pool),
    accountLinks: new PgAccountLinks(pool),
    conversations: new PgConversationStore(pool, clock),
    replies: new PgReplyStore(pool),
    outbox: new PgReplyOutbox(pool),
    ledger: new GroupedLedger(pool),
    cards: new PgCardStore(pool),
    stats: new PgStatsStore(pool),
    inbox: new PgInboxStore(pool),
    webMessages: new PgWebMessageStore(pool),
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
      await pool.end();
    },
  };
}
