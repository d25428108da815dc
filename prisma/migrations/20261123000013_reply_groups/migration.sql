-- Questions and answers of one moment share a transaction: one round trip and one flush to disk for all.
-- Each function answers for every item in its order, as open_reply and finish_reply would have; null for
-- one that has to be asked alone. Locks every account first and at once, and none that others have
-- locked, so that a group never waits while it keeps others waiting. Other failures undo the whole group.

CREATE FUNCTION "open_replies"(p_items jsonb[]) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_locked text[];
    v_item jsonb;
    v_outcome jsonb;
    v_funds text;
BEGIN
    SELECT array_agg(locked.id) INTO v_locked FROM (
        SELECT a.id FROM account a
        WHERE a.id IN (SELECT item->>'accountId' FROM unnest(p_items) item) AND a.merged_into IS NULL
        ORDER BY a.id FOR NO KEY UPDATE SKIP LOCKED) locked;
    FOREACH v_item IN ARRAY p_items LOOP
        v_outcome := NULL;
        IF v_item->>'accountId' = ANY (v_locked) THEN
            BEGIN
                v_outcome := open_reply(v_item);
            EXCEPTION WHEN SQLSTATE 'DK001' THEN
                GET STACKED DIAGNOSTICS v_funds = PG_EXCEPTION_DETAIL;
                v_outcome := v_funds::jsonb || '{"status": "insufficient"}';
            END;
        END IF;
        RETURN NEXT v_outcome;
    END LOOP;
END $$;

-- The conversation of a group chat is written by many accounts, whose locks do not order them: such
-- an answer is left to be ended alone.
CREATE FUNCTION "finish_replies"(p_items jsonb[]) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_locked uuid[];
    v_item jsonb;
BEGIN
    SELECT array_agg(locked.id) INTO v_locked FROM (
        SELECT r.id FROM reply r JOIN account a ON a.id = r.account_id
        WHERE r.id IN (SELECT (item->>'id')::uuid FROM unnest(p_items) item)
            AND r.is_direct AND a.merged_into IS NULL
        ORDER BY a.id FOR NO KEY UPDATE OF a SKIP LOCKED) locked;
    FOREACH v_item IN ARRAY p_items LOOP
        RETURN NEXT CASE WHEN (v_item->>'id')::uuid = ANY (v_locked)
            THEN jsonb_build_object('charged', finish_reply(v_item)::text) END;
    END LOOP;
END $$;
