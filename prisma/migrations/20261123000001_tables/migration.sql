-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "account" (
    "id" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'active',
    "ban_reason" TEXT,
    "locale" TEXT,
    "model" TEXT,
    "role" TEXT,
    "show_receipt" BOOLEAN,
    "trial_granted_at" TIMESTAMPTZ(3),
    "referred_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "identity" (
    "id" BIGSERIAL NOT NULL,
    "account_id" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "bot" TEXT NOT NULL,
    "platform_user_id" TEXT NOT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "username" TEXT,
    "direct_channel" TEXT,
    "unreachable_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "identity_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "lot" (
    "id" UUID NOT NULL,
    "account_id" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "kind" SMALLINT NOT NULL,
    "priority" SMALLINT NOT NULL DEFAULT 50,
    "granted" BIGINT NOT NULL,
    "remaining" BIGINT NOT NULL,
    "valid_until" TIMESTAMPTZ(3) NOT NULL,
    "model_scope" TEXT[],
    "origin" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "expired_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "lot_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "hold" (
    "id" UUID NOT NULL,
    "account_id" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "captured" BIGINT NOT NULL DEFAULT 0,
    "due" BIGINT,
    "state" TEXT NOT NULL DEFAULT 'open',
    "cause" TEXT NOT NULL,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ(3),

    CONSTRAINT "hold_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "hold_lot" (
    "hold_id" UUID NOT NULL,
    "position" SMALLINT NOT NULL,
    "lot_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "captured" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "hold_lot_pkey" PRIMARY KEY ("hold_id","position")
);

-- CreateTable
CREATE TABLE "entry" (
    "id" BIGSERIAL NOT NULL,
    "transfer" TEXT NOT NULL,
    "line" SMALLINT NOT NULL,
    "from_account" TEXT NOT NULL,
    "to_account" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "lot_id" UUID,
    "hold_id" UUID,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "entry_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "card_batch" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "valid_days" INTEGER NOT NULL,
    "redeem_until" TIMESTAMPTZ(3),
    "state" TEXT NOT NULL DEFAULT 'active',
    "renewal" TEXT NOT NULL,
    "model_scope" TEXT[],
    "per_account_max" INTEGER,
    "count" INTEGER NOT NULL,
    "export_sha256" TEXT,
    "exported_at" TIMESTAMPTZ(3),
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "card_batch_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "card" (
    "id" UUID NOT NULL,
    "batch_id" UUID NOT NULL,
    "serial" INTEGER NOT NULL,
    "code_hmac" BYTEA NOT NULL,
    "pepper_version" SMALLINT NOT NULL,
    "last4" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'active',
    "redeemed_by" TEXT,
    "redeemed_at" TIMESTAMPTZ(3),
    "lot_id" UUID,

    CONSTRAINT "card_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "redeem_guess" (
    "key" TEXT NOT NULL,
    "window_start" TIMESTAMPTZ(3) NOT NULL,
    "weight" INTEGER NOT NULL,
    "lock_count" INTEGER NOT NULL DEFAULT 0,
    "locked_until" TIMESTAMPTZ(3),

    CONSTRAINT "redeem_guess_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "conversation" (
    "id" UUID NOT NULL,
    "account_id" TEXT,
    "title" TEXT NOT NULL DEFAULT '',
    "role" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_turn_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "conversation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "current_conversation" (
    "owner_key" TEXT NOT NULL,
    "conversation_id" UUID NOT NULL,

    CONSTRAINT "current_conversation_pkey" PRIMARY KEY ("owner_key")
);

-- CreateTable
CREATE TABLE "turn" (
    "id" BIGSERIAL NOT NULL,
    "conversation_id" UUID NOT NULL,
    "author" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "superseded" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "turn_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "turn_image" (
    "turn_id" BIGINT NOT NULL,
    "position" SMALLINT NOT NULL,
    "media_type" TEXT NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "turn_image_pkey" PRIMARY KEY ("turn_id","position")
);

-- CreateTable
CREATE TABLE "reply" (
    "id" UUID NOT NULL,
    "account_id" TEXT NOT NULL,
    "identity_id" BIGINT NOT NULL,
    "conversation_id" UUID NOT NULL,
    "question_turn_id" BIGINT NOT NULL,
    "answer_turn_id" BIGINT,
    "platform" TEXT NOT NULL,
    "bot" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "thread" TEXT,
    "is_direct" BOOLEAN NOT NULL,
    "message_id" TEXT NOT NULL,
    "locale" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'queued',
    "model_asked" TEXT NOT NULL,
    "model_answered" TEXT,
    "upstream" TEXT,
    "hold_id" UUID,
    "unit" TEXT NOT NULL,
    "input_tokens_max" INTEGER NOT NULL,
    "output_tokens_max" INTEGER NOT NULL,
    "price" JSONB NOT NULL,
    "input_tokens" INTEGER,
    "cached_tokens" INTEGER,
    "output_tokens" INTEGER,
    "usage_source" TEXT,
    "usage_clamped" BOOLEAN NOT NULL DEFAULT false,
    "charge" BIGINT NOT NULL DEFAULT 0,
    "upstream_cost" BIGINT NOT NULL DEFAULT 0,
    "free_reason" TEXT,
    "failure" TEXT,
    "text" TEXT,
    "receipt" TEXT,
    "stop_requested_at" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "start_after" TIMESTAMPTZ(3) NOT NULL,
    "released_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "first_word_at" TIMESTAMPTZ(3),
    "heartbeat_at" TIMESTAMPTZ(3),
    "answered_at" TIMESTAMPTZ(3),
    "delivered_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "reply_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reply_source" (
    "platform" TEXT NOT NULL,
    "bot" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "reply_id" UUID NOT NULL,

    CONSTRAINT "reply_source_pkey" PRIMARY KEY ("platform","bot","channel","message_id")
);

-- CreateTable
CREATE TABLE "reply_message" (
    "reply_id" UUID NOT NULL,
    "position" SMALLINT NOT NULL,
    "channel" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "is_final" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "reply_message_pkey" PRIMARY KEY ("reply_id","position")
);

-- CreateTable
CREATE TABLE "inbound" (
    "id" BIGSERIAL NOT NULL,
    "platform" TEXT NOT NULL,
    "bot" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "payload" JSONB,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "handled_at" TIMESTAMPTZ(3),
    "attempts" SMALLINT NOT NULL DEFAULT 0,

    CONSTRAINT "inbound_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notice" (
    "id" UUID NOT NULL,
    "platform" TEXT NOT NULL,
    "bot" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "thread" TEXT,
    "text" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'queued',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3),

    CONSTRAINT "notice_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "usage_hour" (
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "account_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "requests" INTEGER NOT NULL DEFAULT 0,
    "answers" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "stopped" INTEGER NOT NULL DEFAULT 0,
    "free_answers" INTEGER NOT NULL DEFAULT 0,
    "input_tokens" BIGINT NOT NULL DEFAULT 0,
    "cached_tokens" BIGINT NOT NULL DEFAULT 0,
    "output_tokens" BIGINT NOT NULL DEFAULT 0,
    "credit" BIGINT NOT NULL DEFAULT 0,
    "messages" BIGINT NOT NULL DEFAULT 0,
    "upstream_cost" BIGINT NOT NULL DEFAULT 0,
    "first_word_ms" BIGINT NOT NULL DEFAULT 0,
    "answer_ms" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "usage_hour_pkey" PRIMARY KEY ("hour","account_id","model")
);

-- CreateTable
CREATE TABLE "audit" (
    "id" BIGSERIAL NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "before" JSONB,
    "after" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "setting" (
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "setting_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "upstream_state" (
    "name" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'ready',
    "reason" TEXT,
    "last_ok_at" TIMESTAMPTZ(3),
    "last_error_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "upstream_state_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "web_message" (
    "id" UUID NOT NULL,
    "channel" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "buttons" JSONB NOT NULL,
    "file_name" TEXT,
    "file_text" TEXT,
    "reply_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "web_message_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "identity_account_id_idx" ON "identity"("account_id");

-- CreateIndex
CREATE INDEX "identity_platform_username_idx" ON "identity"("platform", "username");

-- CreateIndex
CREATE UNIQUE INDEX "identity_platform_bot_platform_user_id_key" ON "identity"("platform", "bot", "platform_user_id");

-- CreateIndex
CREATE UNIQUE INDEX "lot_cause_key" ON "lot"("cause");

-- CreateIndex
CREATE INDEX "lot_account_id_valid_until_idx" ON "lot"("account_id", "valid_until");

-- CreateIndex
CREATE INDEX "lot_valid_until_idx" ON "lot"("valid_until");

-- CreateIndex
CREATE UNIQUE INDEX "hold_cause_key" ON "hold"("cause");

-- CreateIndex
CREATE INDEX "hold_account_id_state_idx" ON "hold"("account_id", "state");

-- CreateIndex
CREATE INDEX "hold_lot_lot_id_idx" ON "hold_lot"("lot_id");

-- CreateIndex
CREATE INDEX "entry_from_account_id_idx" ON "entry"("from_account", "id");

-- CreateIndex
CREATE INDEX "entry_to_account_id_idx" ON "entry"("to_account", "id");

-- CreateIndex
CREATE INDEX "entry_lot_id_idx" ON "entry"("lot_id");

-- CreateIndex
CREATE INDEX "entry_created_at_idx" ON "entry"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "entry_transfer_line_key" ON "entry"("transfer", "line");

-- CreateIndex
CREATE UNIQUE INDEX "card_batch_name_key" ON "card_batch"("name");

-- CreateIndex
CREATE UNIQUE INDEX "card_code_hmac_key" ON "card"("code_hmac");

-- CreateIndex
CREATE INDEX "card_batch_id_state_idx" ON "card"("batch_id", "state");

-- CreateIndex
CREATE INDEX "card_redeemed_by_idx" ON "card"("redeemed_by");

-- CreateIndex
CREATE INDEX "conversation_account_id_last_turn_at_idx" ON "conversation"("account_id", "last_turn_at" DESC);

-- CreateIndex
CREATE INDEX "turn_conversation_id_id_idx" ON "turn"("conversation_id", "id");

-- CreateIndex
CREATE INDEX "turn_account_id_idx" ON "turn"("account_id");

-- CreateIndex
CREATE INDEX "reply_account_id_question_turn_id_idx" ON "reply"("account_id", "question_turn_id");

-- CreateIndex
CREATE INDEX "reply_conversation_id_idx" ON "reply"("conversation_id");

-- CreateIndex
CREATE INDEX "reply_source_reply_id_idx" ON "reply_source"("reply_id");

-- CreateIndex
CREATE INDEX "inbound_received_at_idx" ON "inbound"("received_at");

-- CreateIndex
CREATE UNIQUE INDEX "inbound_platform_bot_event_id_key" ON "inbound"("platform", "bot", "event_id");

-- CreateIndex
CREATE UNIQUE INDEX "notice_cause_key" ON "notice"("cause");

-- CreateIndex
CREATE INDEX "audit_created_at_idx" ON "audit"("created_at");

-- CreateIndex
CREATE INDEX "web_message_channel_id_idx" ON "web_message"("channel", "id");

-- AddForeignKey
ALTER TABLE "identity" ADD CONSTRAINT "identity_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "lot" ADD CONSTRAINT "lot_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "hold" ADD CONSTRAINT "hold_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "hold_lot" ADD CONSTRAINT "hold_lot_hold_id_fkey" FOREIGN KEY ("hold_id") REFERENCES "hold"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "hold_lot" ADD CONSTRAINT "hold_lot_lot_id_fkey" FOREIGN KEY ("lot_id") REFERENCES "lot"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "card" ADD CONSTRAINT "card_batch_id_fkey" FOREIGN KEY ("batch_id") REFERENCES "card_batch"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "turn" ADD CONSTRAINT "turn_conversation_id_fkey" FOREIGN KEY ("conversation_id") REFERENCES "conversation"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "turn_image" ADD CONSTRAINT "turn_image_turn_id_fkey" FOREIGN KEY ("turn_id") REFERENCES "turn"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "reply_message" ADD CONSTRAINT "reply_message_reply_id_fkey" FOREIGN KEY ("reply_id") REFERENCES "reply"("id") ON DELETE CASCADE ON UPDATE CASCADE;
