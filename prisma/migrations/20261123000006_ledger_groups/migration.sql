-- A charge in place
--
-- Every charge changes what remains of a lot, twice. While an index names that column, even in its
-- WHERE, PostgreSQL writes the row's whole new version into every index of the table; otherwise it
-- puts it beside the old one and touches no index:
-- https://www.postgresql.org/docs/18/storage-hot.html
-- So the indexes of the lots that still matter name expired_at instead, which is set once in a lot's
-- life. A lot with something left is never expired (lot_expired_at_check), so the queries say both.

CREATE INDEX "lot_open_idx" ON "lot"("account_id") WHERE "expired_at" IS NULL;
CREATE INDEX "lot_closing_idx" ON "lot"("valid_until") WHERE "expired_at" IS NULL;
DROP INDEX "lot_usable_idx";
DROP INDEX "lot_ending_idx";

-- Room in each page for the next version of its rows; a part of a hold has one, at its capture.
ALTER TABLE "lot" SET (fillfactor = 70);
ALTER TABLE "hold_lot" SET (fillfactor = 50);

-- The next three are as before, but for "expired_at IS NULL".

CREATE OR REPLACE FUNCTION "end_lots"(p_account text, p_now timestamptz, p_lot uuid DEFAULT NULL) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_lot record;
    v_count integer := 0;
BEGIN
    FOR v_lot IN
        SELECT l.id, l.unit, l.remaining FROM lot l
        WHERE l.account_id = p_account AND l.remaining > 0 AND l.expired_at IS NULL
            AND l.valid_until <= p_now
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

CREATE OR REPLACE FUNCTION "take_from_lots"(p_account text, p_unit text, p_model text, p_amount bigint)
RETURNS TABLE (part smallint, lot uuid, taken bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_lot record;
    v_left bigint := p_amount;
BEGIN
    part := 0;
    IF v_left = 0 THEN RETURN; END IF;
    FOR v_lot IN
        SELECT l.id, l.remaining FROM lot l
        WHERE l.account_id = p_account AND l.remaining > 0 AND l.expired_at IS NULL AND l.unit = p_unit
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

-- As before, and closes lots that were used up before they ended: they need no line, but would stay
-- in the indexes above for good. Returns how many had something left.
CREATE OR REPLACE FUNCTION "expire_lots"(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_lot record;
    v_count integer := 0;
BEGIN
    FOR v_lot IN
        SELECT l.id, l.account_id FROM lot l JOIN account a ON a.id = l.account_id
        WHERE l.remaining > 0 AND l.expired_at IS NULL AND l.valid_until <= clock_timestamp()
        ORDER BY l.valid_until LIMIT p_limit
        FOR NO KEY UPDATE OF a SKIP LOCKED
    LOOP
        v_count := v_count + end_lots(v_lot.account_id, clock_timestamp(), v_lot.id);
    END LOOP;
    FOR v_lot IN
        SELECT l.id, l.account_id FROM lot l JOIN account a ON a.id = l.account_id
        WHERE l.remaining = 0 AND l.expired_at IS NULL AND l.valid_until <= clock_timestamp()
        ORDER BY l.valid_until LIMIT p_limit
        FOR NO KEY UPDATE OF a SKIP LOCKED
    LOOP
        -- Looked at once more: it may have been filled or prolonged before its account was locked.
        UPDATE lot SET expired_at = clock_timestamp()
        WHERE id = v_lot.id AND account_id = v_lot.account_id AND remaining = 0
            AND expired_at IS NULL AND valid_until <= clock_timestamp();
    END LOOP;
    RETURN v_count;
END $$;

-- Group commit
--
-- What many callers asked of the ledger at the same time goes into one transaction.
--
-- The same movements, lines and answers as place_hold and capture_hold give one by one, in the order
-- of the items. Lots are read once, every item is decided in memory, each table is written once.
-- What is out of the ordinary is not decided here but named, for its caller to ask alone: a cause
-- that is known, a hold that is not open, a lot that ended, a number that makes no sense.

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
CREATE FUNCTION "ledger_group"(
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
    -- What to write: holds and their parts, captures and what they charge, lines of the journal
    v_held integer[] := '{}';
    v_held_units text[] := '{}';
    v_held_amounts bigint[] := '{}';
    v_parts integer := 0;
    v_part_items integer[] := '{}';
    v_part_positions smallint[] := '{}';
    v_part_lots uuid[] := '{}';
    v_part_amounts bigint[] := '{}';
    v_captured integer[] := '{}';
    v_charges integer := 0;
    v_charge_items integer[] := '{}';
    v_charge_positions smallint[] := '{}';
    v_charge_amounts bigint[] := '{}';
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
BEGIN
    IF (SELECT count(DISTINCT i.id) FROM unnest(p_ids) AS i (id)) <> cardinality(p_ids) THEN
        RAISE EXCEPTION 'a hold comes twice in one group';
    END IF;

    -- Whose they are, as far as one can know before the lock.
    SELECT array_agg(s.owner), array_agg(s.owner_no) INTO v_owners, v_owner_nos FROM (
        SELECT o.owner, dense_rank() OVER (ORDER BY o.owner)::integer AS owner_no
        FROM unnest(p_ids, p_charges, p_accounts) WITH ORDINALITY AS i (id, charge, account, item)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN i.charge IS NULL THEN i.account
                ELSE (SELECT h.account_id FROM hold h WHERE h.id = i.id) END AS owner) o
        ORDER BY i.item) s;
    SELECT coalesce(array_agg(s.owner), '{}') INTO v_accounts FROM (
        SELECT DISTINCT o.owner FROM unnest(v_owners) AS o (owner)
        WHERE o.owner IS NOT NULL ORDER BY o.owner) s;
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
        SELECT l.account_no, l.id, l.unit, l.remaining,
            CASE WHEN cardinality(l.model_scope) > 0 THEN l.model_scope::text END AS scope,
            l.expired_at IS NOT NULL OR l.valid_until <= v_now AS has_ended
        FROM (
            SELECT a.no AS account_no, l.* FROM unnest(v_accounts) WITH ORDINALITY AS a (id, no)
            CROSS JOIN LATERAL (
                SELECT l.* FROM lot l
                WHERE l.account_id = a.id AND l.remaining > 0 AND l.expired_at IS NULL OFFSET 0) l
            UNION ALL
            SELECT d.owner_no, l.* FROM (
                SELECT DISTINCT i.owner_no, p.lot_id
                FROM unnest(p_ids, p_charges, v_owner_nos) AS i (id, charge, owner_no)
                CROSS JOIN LATERAL (
                    SELECT p.lot_id FROM hold_lot p
                    WHERE i.charge IS NOT NULL AND p.hold_id = i.id OFFSET 0) p
            ) d CROSS JOIN LATERAL (
                SELECT l.* FROM lot l WHERE l.id = d.lot_id AND l.remaining = 0 OFFSET 0) l
        ) l ORDER BY l.account_no, l.priority, l.valid_until, l.kind, l.created_at, l.id
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
            h.unit, h.amount AS held, p.lots, p.amounts
        FROM unnest(p_ids, p_charges, p_causes, p_models, p_message_costs, p_credit_maxima,
                p_credit_minima, p_leases_ms) WITH ORDINALITY
            AS i (id, charge, cause, model, message_cost, credit_max, credit_min, lease_ms, item)
        LEFT JOIN LATERAL (
            SELECT h.state, h.unit, h.amount, h.account_id
            FROM hold h WHERE i.charge IS NOT NULL AND h.id = i.id OFFSET 0) h ON true
        LEFT JOIN LATERAL (
            SELECT coalesce(array_agg(p.lot_id ORDER BY p.position), '{}') AS lots,
                coalesce(array_agg(p.amount ORDER BY p.position), '{}') AS amounts
            FROM hold_lot p WHERE i.charge IS NOT NULL AND p.hold_id = i.id) p ON true
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
            FOR k IN v_from .. v_to LOOP
                EXIT WHEN v_rest = 0;
                CONTINUE WHEN v_left[k] = 0 OR v_units[k] <> unit
                    OR NOT (v_scopes[k] IS NULL OR v_item.model = ANY (v_scopes[k]::text[]));
                v_part := least(v_left[k], v_rest);
                v_left[k] := v_left[k] - v_part;
                v_rest := v_rest - v_part;
                v_parts := v_parts + 1;
                v_part_items[v_parts] := v_item.item;
                v_part_positions[v_parts] := v_no;
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
            v_at := cardinality(v_held) + 1;
            v_held[v_at] := v_item.item;
            v_held_units[v_at] := unit;
            v_held_amounts[v_at] := amount;
        ELSE
            unit := v_item.unit;
            amount := v_item.charge;
            v_rest := amount;
            FOR n IN 1 .. cardinality(v_item.lots) LOOP
                EXIT WHEN v_rest = 0;
                v_part := least(v_item.amounts[n], v_rest);
                v_rest := v_rest - v_part;
                v_charges := v_charges + 1;
                v_charge_items[v_charges] := v_item.item;
                v_charge_positions[v_charges] := n - 1;
                v_charge_amounts[v_charges] := v_part;
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
                v_at := v_from;
                WHILE v_at <= v_to AND v_lots[v_at] <> v_item.lots[n] LOOP v_at := v_at + 1; END LOOP;
                IF v_at > v_to THEN
                    RAISE EXCEPTION 'hold % has a lot of another account', p_ids[v_item.item];
                END IF;
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

    INSERT INTO hold (id, account_id, unit, model, amount, cause, lease_until, created_at)
    SELECT p_ids[i.item], v_owners[i.item], i.unit, p_models[i.item], i.amount, p_causes[i.item],
        v_now + p_leases_ms[i.item] * interval '1 millisecond', v_now
    FROM unnest(v_held, v_held_units, v_held_amounts) AS i (item, unit, amount);

    INSERT INTO hold_lot (hold_id, position, lot_id, amount)
    SELECT p_ids[i.item], i.position, i.lot, i.amount
    FROM unnest(v_part_items, v_part_positions, v_part_lots, v_part_amounts) AS i (item, position, lot, amount);

    UPDATE hold_lot p SET captured = i.amount
    FROM unnest(v_charge_items, v_charge_positions, v_charge_amounts) AS i (item, position, amount)
    WHERE p.hold_id = p_ids[i.item] AND p.position = i.position;

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
