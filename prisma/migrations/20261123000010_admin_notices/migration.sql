-- News for admins is raised by any process, also by one that serves no chat: it is kept once, and
-- every process brings what is new to the admin chats it serves.
CREATE TABLE "admin_notice" (
    "id" BIGSERIAL NOT NULL,
    "cause" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "known_in" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "admin_notice_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "admin_notice_cause_key" ON "admin_notice"("cause");
CREATE INDEX "admin_notice_created_at_idx" ON "admin_notice"("created_at");

-- The order notices were made in: their ids and times may be those of one and the same millisecond.
ALTER TABLE "notice" ADD COLUMN "number" BIGSERIAL NOT NULL;
DROP INDEX notice_queued;
CREATE INDEX notice_queued ON notice (number) WHERE state = 'queued';

-- When admins were told that few cards of a batch are left; they are told once.
ALTER TABLE "card_batch" ADD COLUMN "low_stock_at" TIMESTAMPTZ(3);
CREATE INDEX card_batch_in_stock ON card_batch (id) WHERE state = 'active' AND low_stock_at IS NULL;
-- What ran low before anybody looked is no news.
UPDATE card_batch b SET low_stock_at = now() WHERE (
    SELECT count(*) FROM card c WHERE c.batch_id = b.id AND c.state = 'active'
) < greatest(10, ceil(b.count / 10.0));
