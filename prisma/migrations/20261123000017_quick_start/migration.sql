-- As before, but a worker that begins does not wait for the disk, unless it had to hold anew: the model
-- is asked that much sooner. Should the server crash within half a second the reply waits in the queue
-- again, its hold still open; whoever ends it finds it there as well.
CREATE OR REPLACE FUNCTION "start_reply_live"(p_reply uuid, p_lease_ms bigint)
RETURNS TABLE (started reply, held_amount bigint) LANGUAGE plpgsql AS $$
DECLARE
  v_reply reply%ROWTYPE;
  v_hold record;
  v_price jsonb;
  v_output bigint;
  v_moves_credit boolean := false;
BEGIN
  PERFORM 1 FROM account WHERE id = (SELECT account_id FROM reply WHERE id = p_reply) FOR NO KEY UPDATE;
  SELECT * INTO v_reply FROM reply WHERE id = p_reply AND state IN ('queued', 'writing') FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF NOT renew_hold(v_reply.hold_id, p_lease_ms) THEN
    -- The hold lapsed while the question waited: no answer without a hold.
    v_moves_credit := true;
    v_price := v_reply.price;
    SELECT * INTO v_hold FROM place_hold('reply:' || p_reply || ':again:' || v_reply.attempts,
      v_reply.account_id, v_reply.model_asked, (v_price->>'messageCost')::bigint,
      (v_price->>'creditMax')::bigint, (v_price->>'creditMin')::bigint, p_lease_ms);
    IF v_hold.status = 'insufficient' THEN
      RAISE EXCEPTION 'insufficient' USING ERRCODE = 'DK001', DETAIL = jsonb_build_object(
        'credit', v_hold.credit_available::text, 'messages', v_hold.messages_available::text)::text;
    END IF;
    v_output := CASE WHEN v_hold.unit = 'message' THEN v_reply.output_tokens_max
      ELSE output_tokens_covered(v_hold.amount, v_reply.input_tokens_max,
        greatest((v_price->>'input')::bigint, (v_price->>'cachedInput')::bigint),
        (v_price->>'output')::bigint, v_reply.output_tokens_max) END;
    UPDATE reply SET hold_id = v_hold.hold_id, unit = v_hold.unit, output_tokens_max = v_output
      WHERE id = p_reply;
  END IF;
  UPDATE reply SET state = 'writing', attempts = attempts + 1, heartbeat_at = now(),
      released_at = coalesce(released_at, now()), started_at = coalesce(started_at, now())
    WHERE id = p_reply RETURNING * INTO started;
  SELECT amount INTO held_amount FROM hold WHERE id = started.hold_id;
  RETURN NEXT;
  -- Until the end of this transaction: https://www.postgresql.org/docs/18/wal-async-commit.html
  IF NOT v_moves_credit THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
END $$;
