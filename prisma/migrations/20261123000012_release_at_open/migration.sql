-- A question that waits for nothing is opened and released in one transaction: one round trip and
-- one flush to disk less before its answer begins. The object's "released" lists what may run now, as
-- release_replies does; a message that was taken before lists it again, for the crash in between.
CREATE OR REPLACE FUNCTION "open_reply"(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_account text := lock_live_account(p->>'accountId');
    v_outcome jsonb;
    v_released jsonb := '[]';
BEGIN
    -- Not copied without need: it may hold pictures.
    IF v_account = p->>'accountId' THEN
        v_outcome := open_reply_live(p);
    ELSE
        v_outcome := open_reply_live(p || jsonb_build_object('accountId', v_account));
    END IF;
    IF (p->>'waitMs')::float = 0 AND v_outcome ? 'id' THEN
        SELECT coalesce(jsonb_agg(r), '[]') INTO v_released
            FROM release_replies_live(v_account, (p->>'runningMax')::int) r;
    END IF;
    RETURN v_outcome || jsonb_build_object('released', v_released);
END $$;

-- As before, but start_after is kept in whole milliseconds, so it may lie up to half of one ahead of the
-- now() it was made of.
CREATE OR REPLACE FUNCTION "release_replies_live"(p_account text, p_running_max int) RETURNS SETOF uuid
LANGUAGE plpgsql AS $$
DECLARE
    v_free int;
BEGIN
    PERFORM 1 FROM account WHERE id = p_account FOR NO KEY UPDATE;
    SELECT p_running_max - count(*) INTO v_free FROM reply
        WHERE account_id = p_account AND state IN ('queued', 'writing') AND released_at IS NOT NULL;
    IF v_free <= 0 THEN RETURN; END IF;
    RETURN QUERY
        WITH waiting AS (
            SELECT id, start_after FROM reply
            WHERE account_id = p_account AND state = 'queued' AND released_at IS NULL
            -- Turns are numbered under the account's lock, so this is the order they came in.
            ORDER BY question_turn_id LIMIT v_free)
        -- Not "WHERE start_after <= ..." above: a later question never overtakes an earlier one.
        UPDATE reply SET released_at = now(), heartbeat_at = now()
            WHERE id IN (SELECT id FROM waiting WHERE start_after <= now() + interval '1 millisecond')
            RETURNING id;
END $$;
