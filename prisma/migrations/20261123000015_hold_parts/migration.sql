-- A hold knows its parts
--
-- What a hold took from which lot was a row of its own for each lot, and written twice. It never
-- changes, so it goes into the hold: a charge saves a row, its second version, an index entry and two
-- keys to check. What was charged of a part follows from the hold: the first parts pay first.
--
-- And the journal keeps the indexes that something reads: a line once for its account, not twice,
-- and none by lot. Times are in the order of the lines, so a summary of each range of pages finds them.
--
-- A million holds take half a minute, in which nobody is charged and whoever asks is told to try again.
--
-- All tables at once and the account first, as everything that moves credit locks them: so nobody who
-- is half way waits for us while we wait for them.
LOCK TABLE "account", "hold", "hold_lot", "lot", "entry" IN ACCESS EXCLUSIVE MODE;

ALTER TABLE "hold"
    ADD COLUMN "part_lots" UUID[] DEFAULT '{}',
    ADD COLUMN "part_amounts" BIGINT[] DEFAULT '{}';
UPDATE "hold" h SET part_lots = p.lots, part_amounts = p.amounts
FROM (
    SELECT p.hold_id, array_agg(p.lot_id ORDER BY p.position) AS lots,
        array_agg(p.amount ORDER BY p.position) AS amounts
    FROM hold_lot p GROUP BY p.hold_id
) p WHERE p.hold_id = h.id;
DROP TABLE "hold_lot";
-- Nobody places a hold and forgets its parts.
ALTER TABLE "hold"
    ALTER COLUMN "part_lots" DROP DEFAULT,
    ALTER COLUMN "part_amounts" DROP DEFAULT,
    ADD CONSTRAINT "hold_parts_check" CHECK (
        "part_lots" IS NOT NULL AND "part_amounts" IS NOT NULL
        AND cardinality("part_lots") = cardinality("part_amounts") AND 0 < ALL ("part_amounts"));

DROP INDEX "entry_lot_id_idx";
DROP INDEX "entry_created_at_idx";
CREATE INDEX "entry_created_at_idx" ON "entry" USING brin ("created_at");
-- Lines between the two sides of one account ("user:" and "held:") are found by where they come from.
DROP INDEX "entry_to_account_id_idx";
CREATE INDEX "entry_to_account_id_idx" ON "entry"("to_account", "id")
    WHERE "to_account" <> 'revenue' AND substr("from_account", 6) <> substr("to_account", 6);
-- What /stats counts of it is rare.
CREATE INDEX "entry_undone_idx" ON "entry"("created_at") WHERE "transfer" LIKE 'undo:%';

-- The parts of a hold in the order they were taken, when p_charged of it is charged.
CREATE FUNCTION "hold_parts"(p_hold hold, p_charged bigint)
RETURNS TABLE ("position" smallint, lot_id uuid, amount bigint, charged bigint) LANGUAGE sql IMMUTABLE AS $$
    SELECT (p.no - 1)::smallint, p.lot, p.amount,
        greatest(0, least(p.amount, p_charged - (sum(p.amount) OVER (ORDER BY p.no) - p.amount)::bigint))
    FROM unnest(p_hold.part_lots, p_hold.part_amounts) WITH ORDINALITY AS p (lot, amount, no)
$$;

-- The next are as before, but for where the parts are.

CREATE OR REPLACE FUNCTION "place_hold_live"(
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
    v_lots uuid[];
    v_amounts bigint[];
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
    WHERE l.account_id = p_account AND l.remaining > 0 AND l.expired_at IS NULL
        AND lot_covers(l.model_scope, p_model);

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
    SELECT coalesce(array_agg(t.lot ORDER BY t.part), '{}'), coalesce(array_agg(t.taken ORDER BY t.part), '{}')
    INTO v_lots, v_amounts
    FROM take_from_lots(p_account, v_unit, p_model, v_amount) t;
    INSERT INTO hold (id, account_id, unit, model, amount, part_lots, part_amounts, cause, lease_until, created_at)
    VALUES (hold_id, p_account, v_unit, p_model, v_amount, v_lots, v_amounts, p_cause,
            v_now + p_lease_ms * interval '1 millisecond', v_now);
    FOR n IN 1 .. cardinality(v_lots) LOOP
        INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
        VALUES ('hold:' || p_cause, n - 1, 'user:' || p_account, 'held:' || p_account,
                v_unit, v_amounts[n], v_lots[n], hold_id, 'hold');
    END LOOP;
    status := 'held';
    unit := v_unit;
    amount := v_amount;
END $$;

-- Moves p_amount of an open hold to revenue, from the lots that were taken first.
CREATE OR REPLACE FUNCTION "charge_held"(p_hold hold, p_amount bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_left bigint := p_amount;
    v_charge bigint;
BEGIN
    FOR n IN 1 .. cardinality(p_hold.part_lots) LOOP
        EXIT WHEN v_left = 0;
        v_charge := least(p_hold.part_amounts[n], v_left);
        INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
        VALUES ('capture:' || p_hold.id, n - 1, 'held:' || p_hold.account_id, 'revenue',
                p_hold.unit, v_charge, p_hold.part_lots[n], p_hold.id, 'answer');
        v_left := v_left - v_charge;
    END LOOP;
    IF v_left > 0 THEN RAISE EXCEPTION 'the parts of hold % do not add up', p_hold.id; END IF;
END $$;

-- Gives what a hold did not charge back to its lots, last taken first. What belongs to a lot that
-- ended meanwhile goes to breakage: a hold does not extend validity.
DROP FUNCTION "return_rest"(hold, timestamptz, text);
CREATE FUNCTION "return_rest"(p_hold hold, p_charged bigint, p_now timestamptz, p_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_left bigint := p_hold.amount - p_charged;
    v_rest bigint;
    v_line smallint := 0;
BEGIN
    -- The first parts were charged, so the rest is what was taken last.
    FOR n IN REVERSE cardinality(p_hold.part_lots) .. 1 LOOP
        EXIT WHEN v_left = 0;
        v_rest := least(p_hold.part_amounts[n], v_left);
        UPDATE lot SET remaining = remaining + v_rest
        WHERE id = p_hold.part_lots[n] AND expired_at IS NULL AND valid_until > p_now;
        INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
        VALUES ('return:' || p_hold.id, v_line, 'held:' || p_hold.account_id,
                CASE WHEN FOUND THEN 'user:' || p_hold.account_id ELSE 'breakage' END,
                p_hold.unit, v_rest, p_hold.part_lots[n], p_hold.id, p_reason);
        v_line := v_line + 1;
        v_left := v_left - v_rest;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION "capture_hold"(p_hold uuid, p_amount bigint, OUT status text, OUT captured bigint)
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
        PERFORM return_rest(v_hold, p_amount, v_now, 'rest');
        v_captured := p_amount;
    END IF;

    UPDATE hold SET state = 'captured', captured = v_captured, due = p_amount, resolved_at = v_now
    WHERE id = p_hold;
    status := 'captured';
    captured := v_captured;
END $$;

CREATE OR REPLACE FUNCTION "release_hold"(p_hold uuid, p_state text) RETURNS text LANGUAGE plpgsql AS $$
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
    PERFORM return_rest(v_hold, 0, v_now, p_state);
    UPDATE hold SET state = p_state, resolved_at = v_now WHERE id = p_hold;
    RETURN p_state;
END $$;

CREATE OR REPLACE FUNCTION "extend_card_lots"(p_account text, p_batch card_batch, p_until timestamptz, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE lot l SET valid_until = p_until
    WHERE l.account_id = p_account AND l.kind = 4 AND l.unit = p_batch.unit AND l.expired_at IS NULL
        AND l.valid_until > p_now AND l.valid_until < p_until
        AND (SELECT coalesce(array_agg(m ORDER BY m), '{}') FROM unnest(l.model_scope) m)
          = (SELECT coalesce(array_agg(m ORDER BY m), '{}') FROM unnest(p_batch.model_scope) m)
        AND (l.remaining > 0 OR EXISTS (
            SELECT 1 FROM hold h
            WHERE h.account_id = p_account AND h.state = 'open' AND l.id = ANY (h.part_lots)));
    RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION "merge_credit"(p_from text, p_into text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    PERFORM end_lots(p_from, v_now);
    PERFORM end_lots(p_into, v_now);
    PERFORM end_second_trial(p_from, p_into, v_now);
    -- Replies first: that is the order of locks.
    UPDATE reply SET account_id = p_into WHERE account_id = p_from;
    UPDATE card SET redeemed_by = p_into WHERE redeemed_by = p_from;

    INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
    SELECT 'link:' || p_from || ':' || h.id, p.position, 'held:' || p_from, 'held:' || p_into,
           h.unit, p.amount, p.lot_id, h.id, 'link'
    FROM hold h CROSS JOIN LATERAL hold_parts(h, 0) p
    WHERE h.account_id = p_from AND h.state = 'open' ORDER BY h.id, p.position;
    UPDATE hold SET account_id = p_into WHERE account_id = p_from;

    INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, reason)
    SELECT 'link:' || p_from || ':' || l.id, 0, 'user:' || p_from, 'user:' || p_into,
           l.unit, l.remaining, l.id, 'link'
    FROM lot l WHERE l.account_id = p_from AND l.remaining > 0 ORDER BY l.id;
    UPDATE lot SET account_id = p_into WHERE account_id = p_from;
END $$;

CREATE OR REPLACE FUNCTION "trial_left"(p_account text, p_unit text) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT CASE WHEN count(*) > 0 THEN ARRAY[sum(l.remaining), sum(l.remaining + coalesce(p.held, 0))]::bigint[] END
    FROM lot l LEFT JOIN (
        SELECT p.lot_id, sum(p.amount) AS held FROM hold h CROSS JOIN LATERAL hold_parts(h, 0) p
        WHERE h.account_id = p_account AND h.state = 'open' GROUP BY p.lot_id) p ON p.lot_id = l.id
    WHERE l.account_id = p_account AND l.kind = 0 AND l.unit = p_unit AND l.expired_at IS NULL
$$;

-- Places a hold where p_charges is null, else captures so much of a hold. p_ids: the id of the hold,
-- which the caller makes up for a new one. No id may come twice.
--
-- status, for each item in order: 'held', 'insufficient' and 'captured' as the functions for one say;
-- 'busy': another transaction has locked the account just now, nothing moved, and nobody else had to
-- wait for it (with p_waits it waits instead); 'alone': nothing moved, ask the functions for one.
-- When an item is 'busy' or 'alone' its account's later items are so too, which keeps their order.
-- account_no: one number for one account.
--
-- The planner believes that a list has ten items and that a new table is empty; without the settings
-- it would read whole tables, and go on doing so after they have grown.
CREATE OR REPLACE FUNCTION "ledger_group"(
    p_waits boolean, p_ids uuid[], p_charges bigint[], p_causes text[], p_accounts text[],
    p_models text[], p_message_costs bigint[], p_credit_maxima bigint[], p_credit_minima bigint[],
    p_leases_ms bigint[]
) RETURNS TABLE (
    status text, account_no integer, unit text, amount bigint,
    credit_available bigint, messages_available bigint
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz;
    v_item record;
    v_lot record;
    -- By item; a hold that never was belongs to one account beyond the last.
    v_owners text[];
    v_owner_nos integer[];
    -- Whatever holds to capture took something from
    v_taken uuid[];
    -- By account, in the order of their ids
    v_accounts text[];
    v_locked text[];
    v_refusals text[] := '{}';
    v_lots_from integer[] := '{}';
    v_lots_to integer[] := '{}';
    -- By lot, in the order of accounts and of use
    v_lots uuid[] := '{}';
    v_units text[] := '{}';
    v_scopes text[] := '{}';
    v_left bigint[] := '{}';
    v_before bigint[] := '{}';
    -- What to write: holds and where their parts begin and end in one list, captures, lines of the journal
    v_holds integer := 0;
    v_held integer[] := '{}';
    v_held_units text[] := '{}';
    v_held_amounts bigint[] := '{}';
    v_held_from integer[] := '{}';
    v_held_to integer[] := '{}';
    v_parts integer := 0;
    v_part_lots uuid[] := '{}';
    v_part_amounts bigint[] := '{}';
    v_captured integer[] := '{}';
    v_lines integer := 0;
    v_line_items integer[] := '{}';
    v_line_kinds text[] := '{}';
    v_line_nos smallint[] := '{}';
    v_line_units text[] := '{}';
    v_line_lots uuid[] := '{}';
    v_line_amounts bigint[] := '{}';
    -- Of one item
    v_at integer;
    v_from integer;
    v_to integer;
    v_rest bigint;
    v_part bigint;
    v_no smallint;
    v_found integer[];
BEGIN
    IF (SELECT count(DISTINCT i.id) FROM unnest(p_ids) AS i (id)) <> cardinality(p_ids) THEN
        RAISE EXCEPTION 'a hold comes twice in one group';
    END IF;

    -- Whose they are, as far as one can know before the lock.
    WITH owned AS MATERIALIZED (
        SELECT i.item, CASE WHEN i.charge IS NULL THEN i.account ELSE h.account_id END AS owner, h.part_lots
        FROM unnest(p_ids, p_charges, p_accounts) WITH ORDINALITY AS i (id, charge, account, item)
        LEFT JOIN LATERAL (
            SELECT h.account_id, h.part_lots FROM hold h
            WHERE i.charge IS NOT NULL AND h.id = i.id OFFSET 0) h ON true
    )
    SELECT array_agg(s.owner ORDER BY s.item), array_agg(s.owner_no ORDER BY s.item),
        coalesce(array_agg(DISTINCT s.owner) FILTER (WHERE s.owner IS NOT NULL), '{}'),
        (SELECT array_agg(p.lot) FROM owned o CROSS JOIN LATERAL unnest(o.part_lots) AS p (lot))
    INTO v_owners, v_owner_nos, v_accounts, v_taken
    FROM (SELECT o.item, o.owner, dense_rank() OVER (ORDER BY o.owner)::integer AS owner_no FROM owned o) s;
    IF p_waits THEN
        SELECT array_agg(s.id) INTO v_locked FROM (
            SELECT a.id FROM account a WHERE a.id = ANY (v_accounts) AND a.merged_into IS NULL
            ORDER BY a.id FOR NO KEY UPDATE) s;
    ELSE
        SELECT array_agg(s.id) INTO v_locked FROM (
            SELECT a.id FROM account a WHERE a.id = ANY (v_accounts) AND a.merged_into IS NULL
            ORDER BY a.id FOR NO KEY UPDATE SKIP LOCKED) s;
    END IF;
    v_now := clock_timestamp();
    v_at := 1;
    FOR n IN 1 .. cardinality(v_accounts) LOOP
        v_refusals[n] := NULL;
        IF v_accounts[n] = v_locked[v_at] THEN
            v_at := v_at + 1;
        ELSE
            -- Only waiting tells an account that is locked from one that was merged or never was.
            v_refusals[n] := CASE WHEN p_waits THEN 'alone' ELSE 'busy' END;
        END IF;
        v_lots_from[n] := 1;
        v_lots_to[n] := 0;
    END LOOP;
    v_refusals[cardinality(v_accounts) + 1] := 'alone';

    -- The usable lots, and those that are wholly held by what is to be captured.
    v_at := 0;
    FOR v_lot IN
        SELECT a.no AS account_no, l.id, l.unit, l.remaining,
            CASE WHEN cardinality(l.model_scope) > 0 THEN l.model_scope::text END AS scope,
            l.valid_until <= v_now AS has_ended
        FROM unnest(v_accounts) WITH ORDINALITY AS a (id, no)
        CROSS JOIN LATERAL (
            SELECT l.* FROM lot l
            WHERE l.account_id = a.id AND l.expired_at IS NULL
                AND (l.remaining > 0 OR l.id = ANY (v_taken)) OFFSET 0) l
        ORDER BY a.no, l.priority, l.valid_until, l.kind, l.created_at, l.id
    LOOP
        v_at := v_at + 1;
        IF v_lots_to[v_lot.account_no] = 0 THEN v_lots_from[v_lot.account_no] := v_at; END IF;
        v_lots_to[v_lot.account_no] := v_at;
        IF v_lot.has_ended THEN
            v_refusals[v_lot.account_no] := coalesce(v_refusals[v_lot.account_no], 'alone');
        END IF;
        v_lots[v_at] := v_lot.id;
        v_units[v_at] := v_lot.unit;
        v_scopes[v_at] := v_lot.scope;
        v_left[v_at] := v_lot.remaining;
        v_before[v_at] := v_lot.remaining;
    END LOOP;

    FOR v_item IN
        SELECT i.item::integer AS item, i.charge, i.model, i.message_cost, i.credit_max, i.credit_min,
            CASE WHEN i.charge IS NULL THEN
                (i.credit_min >= 0 AND i.credit_max >= i.credit_min AND i.lease_ms > 0
                    AND coalesce(i.message_cost, 0) >= 0) IS NOT TRUE
                OR (SELECT h.id FROM hold h WHERE h.cause = i.cause) IS NOT NULL
            ELSE (h.state = 'open' AND i.charge BETWEEN 0 AND h.amount
                AND h.account_id = v_owners[i.item]) IS NOT TRUE END AS is_odd,
            h.unit, h.amount AS held, h.part_lots AS lots, h.part_amounts AS amounts
        FROM unnest(p_ids, p_charges, p_causes, p_models, p_message_costs, p_credit_maxima,
                p_credit_minima, p_leases_ms) WITH ORDINALITY
            AS i (id, charge, cause, model, message_cost, credit_max, credit_min, lease_ms, item)
        LEFT JOIN LATERAL (
            SELECT h.state, h.unit, h.amount, h.account_id, h.part_lots, h.part_amounts
            FROM hold h WHERE i.charge IS NOT NULL AND h.id = i.id OFFSET 0) h ON true
        ORDER BY i.item
    LOOP
        account_no := v_owner_nos[v_item.item];
        status := v_refusals[account_no];
        unit := NULL;
        amount := NULL;
        credit_available := NULL;
        messages_available := NULL;
        IF status IS NULL AND v_item.is_odd THEN
            status := 'alone';
            v_refusals[account_no] := status;
        END IF;
        IF status IS NOT NULL THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        v_from := v_lots_from[account_no];
        v_to := v_lots_to[account_no];

        IF v_item.charge IS NULL THEN
            credit_available := 0;
            messages_available := 0;
            FOR k IN v_from .. v_to LOOP
                IF v_scopes[k] IS NULL OR v_item.model = ANY (v_scopes[k]::text[]) THEN
                    IF v_units[k] = 'credit' THEN credit_available := credit_available + v_left[k];
                    ELSE messages_available := messages_available + v_left[k];
                    END IF;
                END IF;
            END LOOP;
            IF messages_available >= v_item.message_cost THEN
                unit := 'message';
                amount := v_item.message_cost;
            ELSIF credit_available >= v_item.credit_min THEN
                unit := 'credit';
                amount := least(v_item.credit_max, credit_available);
            ELSE
                status := 'insufficient';
                RETURN NEXT;
                CONTINUE;
            END IF;

            v_rest := amount;
            v_no := 0;
            v_at := v_parts + 1;
            FOR k IN v_from .. v_to LOOP
                EXIT WHEN v_rest = 0;
                CONTINUE WHEN v_left[k] = 0 OR v_units[k] <> unit
                    OR NOT (v_scopes[k] IS NULL OR v_item.model = ANY (v_scopes[k]::text[]));
                v_part := least(v_left[k], v_rest);
                v_left[k] := v_left[k] - v_part;
                v_rest := v_rest - v_part;
                v_parts := v_parts + 1;
                v_part_lots[v_parts] := v_lots[k];
                v_part_amounts[v_parts] := v_part;
                v_lines := v_lines + 1;
                v_line_items[v_lines] := v_item.item;
                v_line_kinds[v_lines] := 'hold:';
                v_line_nos[v_lines] := v_no;
                v_line_units[v_lines] := unit;
                v_line_lots[v_lines] := v_lots[k];
                v_line_amounts[v_lines] := v_part;
                v_no := v_no + 1;
            END LOOP;
            status := 'held';
            v_holds := v_holds + 1;
            v_held[v_holds] := v_item.item;
            v_held_units[v_holds] := unit;
            v_held_amounts[v_holds] := amount;
            v_held_from[v_holds] := v_at;
            v_held_to[v_holds] := v_parts;
        ELSE
            v_found := '{}';
            FOR n IN 1 .. cardinality(v_item.lots) LOOP
                v_at := v_from;
                WHILE v_at <= v_to AND v_lots[v_at] <> v_item.lots[n] LOOP v_at := v_at + 1; END LOOP;
                -- A lot that ended is not among them.
                IF v_at > v_to THEN status := 'alone'; END IF;
                v_found[n] := v_at;
            END LOOP;
            IF status IS NOT NULL THEN
                v_refusals[account_no] := status;
                RETURN NEXT;
                CONTINUE;
            END IF;

            unit := v_item.unit;
            amount := v_item.charge;
            v_rest := amount;
            FOR n IN 1 .. cardinality(v_item.lots) LOOP
                EXIT WHEN v_rest = 0;
                v_part := least(v_item.amounts[n], v_rest);
                v_rest := v_rest - v_part;
                v_lines := v_lines + 1;
                v_line_items[v_lines] := v_item.item;
                v_line_kinds[v_lines] := 'capture:';
                v_line_nos[v_lines] := n - 1;
                v_line_units[v_lines] := unit;
                v_line_lots[v_lines] := v_item.lots[n];
                v_line_amounts[v_lines] := v_part;
            END LOOP;
            IF v_rest > 0 THEN
                RAISE EXCEPTION 'the parts of hold % do not add up', p_ids[v_item.item];
            END IF;

            -- The first parts were charged, so the rest is what was taken last.
            v_rest := v_item.held - amount;
            v_no := 0;
            FOR n IN REVERSE cardinality(v_item.lots) .. 1 LOOP
                EXIT WHEN v_rest = 0;
                v_part := least(v_item.amounts[n], v_rest);
                v_rest := v_rest - v_part;
                v_at := v_found[n];
                v_left[v_at] := v_left[v_at] + v_part;
                v_lines := v_lines + 1;
                v_line_items[v_lines] := v_item.item;
                v_line_kinds[v_lines] := 'return:';
                v_line_nos[v_lines] := v_no;
                v_line_units[v_lines] := unit;
                v_line_lots[v_lines] := v_item.lots[n];
                v_line_amounts[v_lines] := v_part;
                v_no := v_no + 1;
            END LOOP;
            status := 'captured';
            v_captured[cardinality(v_captured) + 1] := v_item.item;
        END IF;
        RETURN NEXT;
    END LOOP;

    INSERT INTO hold (id, account_id, unit, model, amount, part_lots, part_amounts, cause, lease_until, created_at)
    SELECT p_ids[i.item], v_owners[i.item], i.unit, p_models[i.item], i.amount,
        v_part_lots[i.first : i.last], v_part_amounts[i.first : i.last], p_causes[i.item],
        v_now + p_leases_ms[i.item] * interval '1 millisecond', v_now
    FROM unnest(v_held, v_held_units, v_held_amounts, v_held_from, v_held_to)
        AS i (item, unit, amount, first, last);

    UPDATE hold h SET state = 'captured', captured = p_charges[i.item], due = p_charges[i.item], resolved_at = v_now
    FROM unnest(v_captured) AS i (item) WHERE h.id = p_ids[i.item];

    UPDATE lot l SET remaining = i.now_left
    FROM unnest(v_lots, v_before, v_left) AS i (id, before, now_left)
    WHERE l.id = i.id AND i.now_left <> i.before;

    INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, hold_id, reason)
    SELECT i.kind || CASE i.kind WHEN 'hold:' THEN p_causes[i.item] ELSE p_ids[i.item]::text END, i.no,
        CASE i.kind WHEN 'hold:' THEN 'user:' ELSE 'held:' END || v_owners[i.item],
        CASE i.kind WHEN 'hold:' THEN 'held:' || v_owners[i.item]
            WHEN 'return:' THEN 'user:' || v_owners[i.item] ELSE 'revenue' END,
        i.unit, i.amount, i.lot, p_ids[i.item],
        CASE i.kind WHEN 'hold:' THEN 'hold' WHEN 'capture:' THEN 'answer' ELSE 'rest' END
    FROM unnest(v_line_items, v_line_kinds, v_line_nos, v_line_units, v_line_lots, v_line_amounts)
        AS i (item, kind, no, unit, lot, amount);
END $$;
