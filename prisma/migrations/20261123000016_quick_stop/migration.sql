-- As before, but whoever only asks a worker to stop does not wait for the disk: the upstream is left
-- that much sooner. Should the server crash within half a second the wish is lost with it; the worker heard
-- of it all the same, and what it then charges waits for the disk as ever.
CREATE OR REPLACE FUNCTION "stop_replies_live"(p_account text, p_replies uuid[])
RETURNS TABLE (id uuid, ended boolean) LANGUAGE plpgsql AS $$
DECLARE
  v_reply record;
  v_is_wish boolean := true;
BEGIN
  PERFORM 1 FROM account WHERE account.id = p_account FOR NO KEY UPDATE;
  FOR v_reply IN SELECT r.id, r.state, r.started_at, r.upstream_cost FROM reply r
    WHERE r.account_id = p_account AND r.id = ANY(p_replies) AND r.state IN ('queued', 'writing')
    ORDER BY r.id FOR UPDATE
  LOOP
    UPDATE reply r SET stop_requested_at = coalesce(r.stop_requested_at, now()) WHERE r.id = v_reply.id;
    id := v_reply.id;
    ended := v_reply.state = 'queued';
    IF ended THEN
      v_is_wish := false;
      PERFORM finish_reply(jsonb_build_object('id', v_reply.id, 'state', 'stopped', 'text', '',
        'charge', '0', 'upstreamCost', '0', 'freeReason', 'nothing_delivered'));
    END IF;
    RETURN NEXT;
  END LOOP;
  -- Until the end of this transaction: https://www.postgresql.org/docs/18/wal-async-commit.html
  IF v_is_wish THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
END $$;
