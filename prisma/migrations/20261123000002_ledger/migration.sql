-- The ledger: every movement of credit happens inside one of these functions.
--
-- Order of locks, everywhere: account, then card batch, card, hold, lot. Whoever changes a lot or a
-- hold holds the lock on its account, so the rows below it never wait for each other. A
-- transaction that touches two accounts locks them in the order of their ids. The sweepers take
-- many accounts and therefore skip what is locked instead of waiting.
--
-- The functions are VOLATILE (the default) on purpose: each statement inside then sees what was
-- committed while the account's lock was awaited. One statement with CTEs would not.

-- What must hold in every row

ALTER TABLE "lot"
    ADD CONSTRAINT "lot_unit_check" CHECK ("unit" IN ('credit', 'message')),
    ADD CONSTRAINT "lot_kind_check" CHECK ("kind" BETWEEN 0 AND 5),
    ADD CONSTRAINT "lot_granted_check" CHECK ("granted" > 0),
    ADD CONSTRAINT "lot_remaining_check" CHECK ("remaining" BETWEEN 0 AND "granted"),
    ADD CONSTRAINT "lot_expired_at_check" CHECK ("expired_at" IS NULL OR "remaining" = 0);

ALTER TABLE "hold"
    ADD CONSTRAINT "hold_unit_check" CHECK ("unit" IN ('credit', 'message')),
    ADD CONSTRAINT "hold_amount_check" CHECK ("amount" >= 0),
    ADD CONSTRAINT "hold_state_check" CHECK ("state" IN ('open', 'captured', 'released', 'expired')),
    ADD CONSTRAINT "hold_due_check" CHECK (("state" = 'captured') = ("due" IS NOT NULL) AND "due" <= "amount"),
    ADD CONSTRAINT "hold_captured_check" CHECK ("captured" BETWEEN 0 AND coalesce("due", 0)),
    ADD CONSTRAINT "hold_resolved_at_check" CHECK (("state" = 'open') = ("resolved_at" IS NULL));

ALTER TABLE "hold_lot"
    ADD CONSTRAINT "hold_lot_amount_check" CHECK ("amount" > 0),
    ADD CONSTRAINT "hold_lot_captured_check" CHECK ("captured" BETWEEN 0 AND "amount");

ALTER TABLE "entry"
    ADD CONSTRAINT "entry_unit_check" CHECK ("unit" IN ('credit', 'message')),
    ADD CONSTRAINT "entry_amount_check" CHECK ("amount" > 0),
    ADD CONSTRAINT "entry_line_check" CHECK ("line" >= 0),
    ADD CONSTRAINT "entry_accounts_check" CHECK ("from_account" <> "to_account");

ALTER TABLE "card_batch"
    ADD CONSTRAINT "card_batch_unit_check" CHECK ("unit" IN ('credit', 'message')),
    ADD CONSTRAINT "card_batch_amount_check" CHECK ("amount" > 0),
    ADD CONSTRAINT "card_batch_valid_days_check" CHECK ("valid_days" BETWEEN 1 AND 3650),
    ADD CONSTRAINT "card_batch_state_check" CHECK ("state" IN ('active', 'frozen', 'void')),
    ADD CONSTRAINT "card_batch_renewal_check" CHECK ("renewal" IN ('extend', 'separate')),
    ADD CONSTRAINT "card_batch_per_account_max_check" CHECK ("per_account_max" > 0),
    ADD CONSTRAINT "card_batch_count_check" CHECK ("count" BETWEEN 1 AND 20000);

ALTER TABLE "card"
    ADD CONSTRAINT "card_state_check" CHECK ("state" IN ('active', 'redeemed', 'void')),
    ADD CONSTRAINT "card_redeemed_check" CHECK (
        ("state" = 'redeemed') = ("redeemed_by" IS NOT NULL)
        AND ("state" = 'redeemed') = ("redeemed_at" IS NOT NULL)
        AND ("state" = 'redeemed') = ("lot_id" IS NOT NULL));

ALTER TABLE "redeem_guess"
    ADD CONSTRAINT "redeem_guess_weight_check" CHECK ("weight" >= 0),
    ADD CONSTRAINT "redeem_guess_lock_count_check" CHECK ("lock_count" >= 0);

-- Most lots are used up and most holds resolved; these indexes hold only the rest.
CREATE INDEX "lot_usable_idx" ON "lot"("account_id") WHERE "remaining" > 0;
CREATE INDEX "lot_ending_idx" ON "lot"("valid_until") WHERE "remaining" > 0;
CREATE INDEX "hold_lapsing_idx" ON "hold"("lease_until") WHERE "state" = 'open';

-- The journal is only ever added to. ENABLE ALWAYS: it holds for replication roles too.

CREATE FUNCTION "refuse_journal_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % is refused', TG_OP;
END $$;

CREATE TRIGGER "entry_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "entry"
    FOR EACH STATEMENT EXECUTE FUNCTION "refuse_journal_change"();
ALTER TABLE "entry" ENABLE ALWAYS TRIGGER "entry_append_only";

-- Parts that the functions below share

-- A UUID of version 7: ordered by time, so that index pages fill up instead of splitting.
CREATE FUNCTION "uuid_by_time"() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

CREATE FUNCTION "lot_covers"(p_scope text[], p_model text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(cardinality(p_scope), 0) = 0 OR p_model = ANY (p_scope)
$$;

-- Locks an account and returns the time from then on: now() would be the time before the wait.
CREATE FUNCTION "lock_account"(p_account text) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM account a WHERE a.id = p_account FOR NO KEY UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'there is no account %', p_account; END IF;
    RETURN clock_timestamp();
END $$;

-- Locks the account of a hold and reads the hold as it is from then on.
CREATE FUNCTION "lock_hold"(p_hold uuid) RETURNS hold LANGUAGE plpgsql AS $$
DECLARE
    v_hold hold;
BEGIN
    SELECT h.* INTO v_hold FROM hold h WHERE h.id = p_hold;
    IF NOT FOUND THEN RAISE EXCEPTION 'there is no hold %', p_hold; END IF;
    PERFORM lock_account(v_hold.account_id);
    SELECT h.* INTO v_hold FROM hold h WHERE h.id = p_hold FOR UPDATE;
    RETURN v_hold;
END $$;

-- Books what is left of an account's ended lots (or of one of them) as breakage and returns how many
-- there were. The caller has locked the account.
CREATE FUNCTION "end_lots"(p_account text, p_now timestamptz, p_lot uuid DEFAULT NULL) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_lot record;
    v_count integer := 0;
BEGIN
    FOR v_lot IN
        SELECT l.id, l.unit, l.remaining FROM lot l
        WHERE l.account_id = p_account AND l.remaining > 0 AND l.valid_until <= p_now
            AND (p_lot IS NULL OR l.id = p_lot)
        ORDER BY l.id
    LOOP
        UPDATE lot SET remaining = 0, expired_at = p_now WHERE id = v_lot.id;
        INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, reason)
        VALUES ('expire:' || v_lot.id, 0, 'user:' || p_account, 'breakage',
                v_lot.unit, v_lot.remaining, v_lot.id, 'ended');
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- Takes up to p_amount from the lots that pay for a model, in the order of use. The caller has
-- locked the account, ended its lots and books what was taken.
CREATE FUNCTION "take_from_lots"(p_account text, p_unit text, p_model text, p_amount bigint)
RETURNS TABLE (part smallint, lot uuid, taken bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_lot record;
    v_left bigint := p_amount;
BEGIN
    part := 0;
    IF v_left = 0 THEN RETURN; END IF;
    FOR v_lot IN
        SELECT l.id, l.remaining FROM lot l
        WHERE l.account_id = p_account AND l.remaining > 0 AND l.unit = p_unit
            AND lot_covers(l.model_scope, p_model)
        ORDER BY l.priority, l.valid_until, l.kind, l.created_at, l.id
    LOOP
        lot := v_lot.id;
        taken := least(v_lot.remaining, v_left);
        UPDATE lot l SET remaining = l.remaining - taken WHERE l.id = v_lot.id;
        RETURN NEXT;
        part := part + 1;
        v_left := v_left - taken;
        EXIT WHEN v_left = 0;
    END LOOP;
END $$;

-- Gives what a hold did not capture back to its lots, last taken first. What belongs to a lot that
-- ended meanwhile goes to breakage: a hold does not extend validity.
CREATE FUNCTION "return_rest"(p_hold hold, p_now timestamptz, p_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_part record;
    v_line smallint := 0;
    v_to text;
BEGIN
    FOR v_part IN
        SELECT p.lot_id, p.amount - p.captured AS rest,
            l.expired_at IS NOT NULL OR l.valid_until <= p_now AS has_ended
        FROM hold_lot p JOIN lot l ON l.id = p.lot_id
        WHERE p.hold_id = p_hold.id AND p.amount > p.captured
        ORDER BY p.position DESC
    LOOP
        IF v_part.has_ended THEN
            v_to := 'breakage';
        ELSE
            v_to := 'user:' || p_hold.account_id;
            UPDATE lot SET remaining = remaining + v_part.rest WHERE id = v_part.lot_id;
        END IF;
        INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
        VALUES ('return:' || p_hold.id, v_line, 'held:' || p_hold.account_id, v_to,
                p_hold.unit, v_part.rest, v_part.lot_id, p_hold.id, p_reason);
        v_line := v_line + 1;
    END LOOP;
END $$;

-- What callers use

-- Adds a lot; false when its cause had granted one before. p_valid_until null: it never ends.
CREATE FUNCTION "grant_lot"(
    p_id uuid, p_cause text, p_account text, p_unit text, p_kind smallint, p_priority smallint,
    p_amount bigint, p_valid_until timestamptz, p_model_scope text[], p_origin text, p_reason text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_account(p_account);
    INSERT INTO lot (id, account_id, unit, kind, priority, granted, remaining, valid_until,
                     model_scope, origin, cause)
    VALUES (p_id, p_account, p_unit, p_kind, p_priority, p_amount, p_amount,
            coalesce(p_valid_until, 'infinity'), p_model_scope, p_origin, p_cause)
    ON CONFLICT (cause) DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, reason)
    VALUES ('grant:' || p_cause, 0, p_origin, 'user:' || p_account, p_unit, p_amount, p_id, p_reason);
    RETURN true;
END $$;

-- Sets aside the most a reply can cost: message lots that cover the model if they suffice, else
-- credit, between p_credit_min and p_credit_max. p_message_cost null: messages cannot pay it.
-- 'exists': the cause holds already; nothing moved. Raises when it holds something else.
CREATE FUNCTION "place_hold"(
    p_cause text, p_account text, p_model text, p_message_cost bigint, p_credit_max bigint,
    p_credit_min bigint, p_lease_ms bigint,
    OUT status text, OUT hold_id uuid, OUT unit text, OUT amount bigint,
    OUT credit_available bigint, OUT messages_available bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz;
    v_hold hold;
    v_unit text;
    v_amount bigint;
BEGIN
    IF p_credit_min < 0 OR p_credit_max < p_credit_min OR p_message_cost < 0 OR p_lease_ms <= 0 THEN
        RAISE EXCEPTION 'a hold needs 0 <= minimum <= maximum, a cost of 0 or more, and a lease';
    END IF;
    v_now := lock_account(p_account);

    SELECT h.* INTO v_hold FROM hold h WHERE h.cause = p_cause;
    IF FOUND THEN
        IF v_hold.account_id <> p_account OR v_hold.model <> p_model
            OR (v_hold.unit = 'message' AND v_hold.amount IS DISTINCT FROM p_message_cost)
            OR (v_hold.unit = 'credit' AND v_hold.amount NOT BETWEEN p_credit_min AND p_credit_max)
        THEN RAISE EXCEPTION 'the cause % holds something else', p_cause; END IF;
        status := 'exists';
        hold_id := v_hold.id;
        unit := v_hold.unit;
        amount := v_hold.amount;
        RETURN;
    END IF;

    PERFORM end_lots(p_account, v_now);
    SELECT coalesce(sum(l.remaining) FILTER (WHERE l.unit = 'credit'), 0),
           coalesce(sum(l.remaining) FILTER (WHERE l.unit = 'message'), 0)
    INTO credit_available, messages_available
    FROM lot l
    WHERE l.account_id = p_account AND l.remaining > 0 AND lot_covers(l.model_scope, p_model);

    IF messages_available >= p_message_cost THEN
        v_unit := 'message';
        v_amount := p_message_cost;
    ELSIF credit_available >= p_credit_min THEN
        v_unit := 'credit';
        v_amount := least(p_credit_max, credit_available);
    ELSE
        status := 'insufficient';
        RETURN;
    END IF;

    hold_id := uuid_by_time();
    INSERT INTO hold (id, account_id, unit, model, amount, cause, lease_until, created_at)
    VALUES (hold_id, p_account, v_unit, p_model, v_amount, p_cause,
            v_now + p_lease_ms * interval '1 millisecond', v_now);
    WITH parts AS (
        INSERT INTO hold_lot (hold_id, position, lot_id, amount)
        SELECT hold_id, t.part, t.lot, t.taken
        FROM take_from_lots(p_account, v_unit, p_model, v_amount) t
        RETURNING position, lot_id, amount
    )
    INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
    SELECT 'hold:' || p_cause, p.position, 'user:' || p_account, 'held:' || p_account,
           v_unit, p.amount, p.lot_id, hold_id, 'hold'
    FROM parts p ORDER BY p.position;
    status := 'held';
    unit := v_unit;
    amount := v_amount;
END $$;

-- Charges p_amount of a hold and returns the rest. A lapsed hold is charged afresh from what is
-- there, down to nothing: `captured` then says what was really charged. 'repeated': the same amount
-- had been captured before. Raises when another amount had been, or when the hold was released.
CREATE FUNCTION "capture_hold"(p_hold uuid, p_amount bigint, OUT status text, OUT captured bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_hold hold;
    v_now timestamptz;
    v_captured bigint;
BEGIN
    v_hold := lock_hold(p_hold);
    v_now := clock_timestamp();
    IF p_amount IS NULL OR p_amount < 0 OR p_amount > v_hold.amount THEN
        RAISE EXCEPTION 'a capture of % does not fit hold % of %', p_amount, p_hold, v_hold.amount;
    END IF;

    IF v_hold.state = 'captured' THEN
        IF v_hold.due <> p_amount THEN
            RAISE EXCEPTION 'hold % was captured with another amount', p_hold;
        END IF;
        status := 'repeated';
        captured := v_hold.captured;
        RETURN;
    ELSIF v_hold.state = 'released' THEN
        RAISE EXCEPTION 'hold % was released', p_hold;
    ELSIF v_hold.state = 'expired' THEN
        v_captured := charge_afresh(v_hold, p_amount, v_now);
    ELSE
        PERFORM charge_held(v_hold, p_amount);
        PERFORM return_rest(v_hold, v_now, 'rest');
        v_captured := p_amount;
    END IF;

    UPDATE hold SET state = 'captured', captured = v_captured, due = p_amount, resolved_at = v_now
    WHERE id = p_hold;
    status := 'captured';
    captured := v_captured;
END $$;

-- Moves p_amount of an open hold to revenue, from the lots that were taken first.
CREATE FUNCTION "charge_held"(p_hold hold, p_amount bigint) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_part record;
    v_left bigint := p_amount;
    v_charge bigint;
BEGIN
    FOR v_part IN
        SELECT p.position, p.lot_id, p.amount FROM hold_lot p WHERE p.hold_id = p_hold.id ORDER BY p.position
    LOOP
        EXIT WHEN v_left = 0;
        v_charge := least(v_part.amount, v_left);
        UPDATE hold_lot SET captured = v_charge WHERE hold_id = p_hold.id AND position = v_part.position;
        INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
        VALUES ('capture:' || p_hold.id, v_part.position, 'held:' || p_hold.account_id, 'revenue',
                p_hold.unit, v_charge, v_part.lot_id, p_hold.id, 'answer');
        v_left := v_left - v_charge;
    END LOOP;
    IF v_left > 0 THEN RAISE EXCEPTION 'the parts of hold % do not add up', p_hold.id; END IF;
END $$;

-- Charges a lapsed hold from the account's lots and returns how much was there.
CREATE FUNCTION "charge_afresh"(p_hold hold, p_amount bigint, p_now timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_charged bigint;
BEGIN
    PERFORM end_lots(p_hold.account_id, p_now);
    WITH charges AS (
        INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
        SELECT 'capture:' || p_hold.id, t.part, 'user:' || p_hold.account_id, 'revenue',
               p_hold.unit, t.taken, t.lot, p_hold.id, 'late answer'
        FROM take_from_lots(p_hold.account_id, p_hold.unit, p_hold.model, p_amount) t
        RETURNING amount
    )
    SELECT coalesce(sum(c.amount), 0) INTO v_charged FROM charges c;
    RETURN v_charged;
END $$;

-- Returns everything a hold set aside. p_state: 'released' by its owner, 'expired' by a sweeper.
-- Returns the state the hold is in then: one that was resolved before keeps its state.
CREATE FUNCTION "release_hold"(p_hold uuid, p_state text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_hold hold;
    v_now timestamptz;
BEGIN
    IF p_state NOT IN ('released', 'expired') THEN
        RAISE EXCEPTION 'a hold cannot be released as %', p_state;
    END IF;
    v_hold := lock_hold(p_hold);
    v_now := clock_timestamp();
    IF v_hold.state <> 'open' THEN RETURN v_hold.state; END IF;
    PERFORM return_rest(v_hold, v_now, p_state);
    UPDATE hold SET state = p_state, resolved_at = v_now WHERE id = p_hold;
    RETURN p_state;
END $$;

-- Prolongs the lease of an open hold; false when it is no longer open.
CREATE FUNCTION "renew_hold"(p_hold uuid, p_lease_ms bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_hold hold;
    v_now timestamptz;
BEGIN
    v_hold := lock_hold(p_hold);
    v_now := clock_timestamp();
    IF v_hold.state <> 'open' THEN RETURN false; END IF;
    UPDATE hold SET lease_until = greatest(lease_until, v_now + p_lease_ms * interval '1 millisecond')
    WHERE id = p_hold;
    RETURN true;
END $$;

-- Takes back what is left of the lot that an entry granted and ends the lot: a part that is held
-- just now goes to breakage when it returns. status: 'undone', 'unknown_entry', 'cannot_undo' (no
-- grant, or nothing is left) or 'already_undone'.
CREATE FUNCTION "undo_grant"(
    p_entry bigint, p_reason text,
    OUT status text, OUT account_id text, OUT unit text, OUT amount bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_grant entry;
    v_lot lot;
    v_now timestamptz;
BEGIN
    SELECT e.* INTO v_grant FROM entry e WHERE e.id = p_entry;
    IF NOT FOUND THEN status := 'unknown_entry'; RETURN; END IF;
    IF v_grant.transfer NOT LIKE 'grant:%' THEN status := 'cannot_undo'; RETURN; END IF;

    SELECT lock_account(l.account_id) INTO v_now FROM lot l WHERE l.id = v_grant.lot_id;
    IF EXISTS (SELECT 1 FROM entry e WHERE e.transfer = 'undo:' || p_entry) THEN
        status := 'already_undone';
        RETURN;
    END IF;
    SELECT l.* INTO v_lot FROM lot l WHERE l.id = v_grant.lot_id;
    PERFORM end_lots(v_lot.account_id, v_now);
    SELECT l.* INTO v_lot FROM lot l WHERE l.id = v_grant.lot_id;
    IF v_lot.remaining = 0 THEN status := 'cannot_undo'; RETURN; END IF;

    UPDATE lot SET remaining = 0, expired_at = v_now, valid_until = least(valid_until, v_now)
    WHERE id = v_lot.id;
    INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, reason)
    VALUES ('undo:' || p_entry, 0, 'user:' || v_lot.account_id, v_lot.origin,
            v_lot.unit, v_lot.remaining, v_lot.id, p_reason);
    status := 'undone';
    account_id := v_lot.account_id;
    unit := v_lot.unit;
    amount := v_lot.remaining;
END $$;

-- Sweepers: each may run anywhere, any number of times at once.

CREATE FUNCTION "release_lapsed_holds"(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_hold record;
    v_count integer := 0;
BEGIN
    FOR v_hold IN
        SELECT h.id FROM hold h JOIN account a ON a.id = h.account_id
        WHERE h.state = 'open' AND h.lease_until <= clock_timestamp()
        ORDER BY h.lease_until LIMIT p_limit
        FOR NO KEY UPDATE OF a SKIP LOCKED
    LOOP
        -- Looked at once more: it may have been renewed or resolved before its account was locked.
        PERFORM 1 FROM hold h WHERE h.id = v_hold.id AND h.state = 'open' AND h.lease_until <= clock_timestamp();
        IF FOUND THEN
            PERFORM release_hold(v_hold.id, 'expired');
            v_count := v_count + 1;
        END IF;
    END LOOP;
    RETURN v_count;
END $$;

CREATE FUNCTION "expire_lots"(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_lot record;
    v_count integer := 0;
BEGIN
    FOR v_lot IN
        SELECT l.id, l.account_id FROM lot l JOIN account a ON a.id = l.account_id
        WHERE l.remaining > 0 AND l.valid_until <= clock_timestamp()
        ORDER BY l.valid_until LIMIT p_limit
        FOR NO KEY UPDATE OF a SKIP LOCKED
    LOOP
        v_count := v_count + end_lots(v_lot.account_id, clock_timestamp(), v_lot.id);
    END LOOP;
    RETURN v_count;
END $$;

-- Cards

-- Redeems the card of one code, known by its HMACs under the newest peppers: the card is used, the
-- lot granted and older lots prolonged together, or not at all. The account is locked first, so a
-- card that the account repeats is 'already_yours', never a second lot.
-- status: 'redeemed', 'already_yours', 'limit', 'unknown', or 'used' for a card that exists but is
-- not to be had: redeemed by someone else, frozen, void or past its date.
CREATE FUNCTION "redeem_card"(
    p_code_hmacs bytea[], p_account text, p_lot uuid,
    OUT status text, OUT unit text, OUT amount bigint, OUT valid_until timestamptz, OUT extended boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz;
    v_card card;
    v_batch card_batch;
BEGIN
    v_now := lock_account(p_account);
    SELECT c.* INTO v_card FROM card c WHERE c.code_hmac = ANY (p_code_hmacs) LIMIT 1;
    IF NOT FOUND THEN status := 'unknown'; RETURN; END IF;
    IF v_card.redeemed_by = p_account THEN status := 'already_yours'; RETURN; END IF;

    -- FOR SHARE: once a freeze or void is committed, no card of the batch is redeemed any more.
    SELECT b.* INTO v_batch FROM card_batch b WHERE b.id = v_card.batch_id FOR SHARE;
    IF v_card.state = 'active' THEN
        SELECT c.* INTO v_card FROM card c WHERE c.id = v_card.id FOR UPDATE;
    END IF;
    IF v_card.state <> 'active' OR v_batch.state <> 'active' OR v_batch.redeem_until <= v_now THEN
        status := 'used';
        RETURN;
    END IF;
    IF v_batch.per_account_max <= (
        SELECT count(*) FROM card c WHERE c.redeemed_by = p_account AND c.batch_id = v_batch.id
    ) THEN status := 'limit'; RETURN; END IF;

    -- Hours, not days: a day of the session's time zone may have 23 or 25 of them.
    valid_until := date_trunc('milliseconds', v_now + v_batch.valid_days * interval '24 hours');
    UPDATE card SET state = 'redeemed', redeemed_by = p_account, redeemed_at = v_now, lot_id = p_lot
    WHERE id = v_card.id;
    extended := v_batch.renewal = 'extend' AND extend_card_lots(p_account, v_batch, valid_until, v_now);
    IF NOT grant_lot(p_lot, 'card:' || v_card.id, p_account, v_batch.unit, 4::smallint, 50::smallint,
                     v_batch.amount, valid_until, v_batch.model_scope, 'cards:' || v_batch.name, 'card')
    THEN RAISE EXCEPTION 'card % was granted before', v_card.id; END IF;
    status := 'redeemed';
    unit := v_batch.unit;
    amount := v_batch.amount;
END $$;

-- Gives the account's older card lots of the same unit and models the later date. A lot that is
-- empty but partly held counts: its rest may still return.
CREATE FUNCTION "extend_card_lots"(p_account text, p_batch card_batch, p_until timestamptz, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE lot l SET valid_until = p_until
    WHERE l.account_id = p_account AND l.kind = 4 AND l.unit = p_batch.unit AND l.expired_at IS NULL
        AND l.valid_until > p_now AND l.valid_until < p_until
        AND (SELECT coalesce(array_agg(m ORDER BY m), '{}') FROM unnest(l.model_scope) m)
          = (SELECT coalesce(array_agg(m ORDER BY m), '{}') FROM unnest(p_batch.model_scope) m)
        AND (l.remaining > 0 OR EXISTS (
            SELECT 1 FROM hold_lot p JOIN hold h ON h.id = p.hold_id
            WHERE p.lot_id = l.id AND h.state = 'open'));
    RETURN FOUND;
END $$;
