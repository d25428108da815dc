-- The life of a reply: opened with its hold, released to the workers in order, started, finished
-- with its charge. Each function is one round trip and one transaction.
-- Lock order everywhere: account, then reply, then hold, then lots.

ALTER TABLE reply ADD CONSTRAINT reply_state_known
  CHECK (state IN ('queued', 'writing', 'answered', 'delivered', 'failed', 'stopped'));

-- What the sweepers look for; few rows are open at any time.
CREATE INDEX reply_undelivered ON reply (id) WHERE delivered_at IS NULL;
CREATE INDEX reply_open_by_account ON reply (account_id, question_turn_id) WHERE state IN ('queued', 'writing');
CREATE INDEX "reply_question_turn_id_idx" ON "reply"("question_turn_id");
CREATE INDEX inbound_unhandled ON inbound (platform, bot, id) WHERE handled_at IS NULL;
CREATE INDEX notice_queued ON notice (id) WHERE state = 'queued';

-- Prices in a reply are JSON: {"input","cachedInput","output" micros per million tokens as text}.
-- How many output tokens a held amount of credit still covers once the input is paid.
CREATE FUNCTION output_tokens_covered(
  p_amount bigint, p_input_tokens bigint, p_input_price bigint, p_output_price bigint, p_wanted bigint
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_output_price = 0 THEN p_wanted
    ELSE least(p_wanted, greatest(0,
      (p_amount::numeric * 1000000 - p_input_tokens::numeric * p_input_price) / p_output_price)::bigint)
  END
$$;

-- Opens a reply for a question, or adds the question to one that still waits for more
-- (p->>'mergeInto'). Statuses: opened, merged, duplicate, queue_full, insufficient.
CREATE FUNCTION open_reply(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_account text := p->>'accountId';
  v_id uuid := (p->>'id')::uuid;
  v_merge uuid := (p->>'mergeInto')::uuid;
  v_known uuid;
  v_old reply%ROWTYPE;
  v_hold record;
  v_turn bigint;
  v_output bigint;
  v_cause text;
BEGIN
  PERFORM 1 FROM account WHERE id = v_account FOR NO KEY UPDATE;
  SELECT reply_id INTO v_known FROM reply_source
    WHERE platform = p->>'platform' AND bot = p->>'bot' AND channel = p->>'channel'
      AND message_id = p->>'messageId';
  IF FOUND THEN RETURN jsonb_build_object('status', 'duplicate', 'id', v_known); END IF;

  IF v_merge IS NOT NULL THEN
    SELECT * INTO v_old FROM reply
      WHERE id = v_merge AND state = 'queued' AND released_at IS NULL AND start_after > now() FOR UPDATE;
    -- It began meanwhile: the caller opens a reply of its own, with a context that knows of it.
    IF NOT FOUND THEN RETURN jsonb_build_object('status', 'too_late'); END IF;
    PERFORM release_hold(v_old.hold_id, 'released');
    v_id := v_merge;
  ELSIF (SELECT count(*) FROM reply WHERE account_id = v_account AND state IN ('queued', 'writing'))
      >= (p->>'openRepliesMax')::int THEN
    RETURN jsonb_build_object('status', 'queue_full');
  END IF;

  v_cause := 'reply:' || v_id || ':' || (SELECT count(*) + 1 FROM reply_source WHERE reply_id = v_id);
  SELECT * INTO v_hold FROM place_hold(v_cause, v_account, p->>'model', (p->>'messageCost')::bigint,
    (p->>'creditMax')::bigint, (p->>'creditMin')::bigint, (p->>'leaseMs')::bigint);
  IF v_hold.status = 'insufficient' THEN
    -- Rolls back the release above as well, so the question that was accepted keeps its hold.
    RAISE EXCEPTION 'insufficient' USING ERRCODE = 'DK001', DETAIL = jsonb_build_object(
      'credit', v_hold.credit_available::text, 'messages', v_hold.messages_available::text)::text;
  END IF;
  v_output := CASE WHEN v_hold.unit = 'message' THEN (p->>'outputTokensMax')::bigint
    ELSE output_tokens_covered(v_hold.amount, (p->>'inputTokens')::bigint,
      greatest((p#>>'{price,input}')::bigint, (p#>>'{price,cachedInput}')::bigint),
      (p#>>'{price,output}')::bigint, (p->>'outputTokensMax')::bigint) END;

  IF v_merge IS NOT NULL THEN
    v_turn := v_old.question_turn_id;
    UPDATE turn SET text = CASE WHEN text = '' THEN p->>'text'
        WHEN p->>'text' = '' THEN text ELSE text || E'\n' || (p->>'text') END WHERE id = v_turn;
    UPDATE reply SET hold_id = v_hold.hold_id, unit = v_hold.unit, price = p->'price',
        input_tokens_max = (p->>'inputTokens')::int, output_tokens_max = v_output,
        start_after = now() + make_interval(secs => (p->>'waitMs')::float / 1000),
        message_id = p->>'messageId'
      WHERE id = v_id;
  ELSE
    INSERT INTO turn (conversation_id, author, account_id, text)
      VALUES ((p->>'conversationId')::uuid, 'user', v_account, p->>'text') RETURNING id INTO v_turn;
    IF (p->>'supersedesTurn') IS NOT NULL THEN
      UPDATE turn SET superseded = true WHERE conversation_id = (p->>'conversationId')::uuid
        AND (id = (p->>'supersedesTurn')::bigint OR id IN (SELECT answer_turn_id FROM reply
          WHERE question_turn_id = (p->>'supersedesTurn')::bigint));
    END IF;
    UPDATE conversation SET last_turn_at = now(),
        title = CASE WHEN title = '' THEN left(p->>'title', 60) ELSE title END
      WHERE id = (p->>'conversationId')::uuid;
    INSERT INTO reply (id, account_id, identity_id, conversation_id, question_turn_id, platform, bot,
        channel, thread, is_direct, message_id, locale, model_asked, hold_id, unit, input_tokens_max,
        output_tokens_max, price, received_at, start_after)
      VALUES (v_id, v_account, (p->>'identityId')::bigint, (p->>'conversationId')::uuid, v_turn,
        p->>'platform', p->>'bot', p->>'channel', p->>'thread', (p->>'isDirect')::boolean,
        p->>'messageId', p->>'locale', p->>'model', v_hold.hold_id, v_hold.unit,
        (p->>'inputTokens')::int, v_output, p->'price', (p->>'receivedAt')::timestamptz,
        now() + make_interval(secs => (p->>'waitMs')::float / 1000));
  END IF;
  INSERT INTO turn_image (turn_id, position, media_type, bytes)
    SELECT v_turn, (SELECT count(*) FROM turn_image WHERE turn_id = v_turn) + image.position,
      image.value->>'mediaType', decode(image.value->>'base64', 'base64')
    FROM jsonb_array_elements(p->'images') WITH ORDINALITY AS image (value, position);
  INSERT INTO reply_source (platform, bot, channel, message_id, reply_id)
    VALUES (p->>'platform', p->>'bot', p->>'channel', p->>'messageId', v_id);
  RETURN jsonb_build_object('status', CASE WHEN v_merge IS NULL THEN 'opened' ELSE 'merged' END,
    'id', v_id, 'unit', v_hold.unit, 'outputTokensMax', v_output);
END $$;

-- Lets the account's next replies run, oldest first, so that at most p_running_max run at once.
CREATE FUNCTION release_replies(p_account text, p_running_max int) RETURNS SETOF uuid
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
    -- Not "WHERE start_after <= now()" above: a later question never overtakes an earlier one.
    UPDATE reply SET released_at = now(), heartbeat_at = now()
      WHERE id IN (SELECT id FROM waiting WHERE start_after <= now()) RETURNING id;
END $$;

-- A worker begins or takes over. Returns no row when the reply needs no worker any more.
-- The hold's amount comes along: the caller's statement cannot see a hold placed in here.
CREATE FUNCTION start_reply(p_reply uuid, p_lease_ms bigint)
RETURNS TABLE (started reply, held_amount bigint) LANGUAGE plpgsql AS $$
DECLARE
  v_reply reply%ROWTYPE;
  v_hold record;
  v_price jsonb;
  v_output bigint;
BEGIN
  PERFORM 1 FROM account WHERE id = (SELECT account_id FROM reply WHERE id = p_reply) FOR NO KEY UPDATE;
  SELECT * INTO v_reply FROM reply WHERE id = p_reply AND state IN ('queued', 'writing') FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF NOT renew_hold(v_reply.hold_id, p_lease_ms) THEN
    -- The hold lapsed while the question waited: no answer without a hold.
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
END $$;

-- Ends a reply: the answer is saved, the hold captured or released and the hour's figures counted,
-- all or nothing. Ending twice is ending once. Returns what was charged; null when it had ended.
CREATE FUNCTION finish_reply(p jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_reply reply%ROWTYPE;
  v_charge bigint := (p->>'charge')::bigint;
  v_turn bigint;
  v_state text := p->>'state';
  v_captured bigint := 0;
BEGIN
  PERFORM 1 FROM account WHERE id = (SELECT account_id FROM reply WHERE id = (p->>'id')::uuid)
    FOR NO KEY UPDATE;
  SELECT * INTO v_reply FROM reply
    WHERE id = (p->>'id')::uuid AND state IN ('queued', 'writing') FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF v_charge > 0 THEN
    SELECT captured INTO v_captured FROM capture_hold(v_reply.hold_id, v_charge);
  ELSE
    PERFORM release_hold(v_reply.hold_id, 'released');
  END IF;
  IF p->>'text' <> '' THEN
    INSERT INTO turn (conversation_id, author, account_id, text)
      VALUES (v_reply.conversation_id, 'assistant', v_reply.account_id, p->>'text')
      RETURNING id INTO v_turn;
    UPDATE conversation SET last_turn_at = now() WHERE id = v_reply.conversation_id;
  END IF;
  UPDATE reply SET state = v_state, answer_turn_id = v_turn, text = p->>'text',
      model_answered = p->>'modelAnswered', upstream = p->>'upstream',
      input_tokens = (p->>'inputTokens')::int, cached_tokens = (p->>'cachedTokens')::int,
      output_tokens = (p->>'outputTokens')::int, usage_source = p->>'usageSource',
      usage_clamped = coalesce((p->>'usageClamped')::boolean, false), charge = v_captured,
      upstream_cost = (p->>'upstreamCost')::bigint, free_reason = p->>'freeReason',
      failure = p->>'failure', first_word_at = (p->>'firstWordAt')::timestamptz, answered_at = now()
    WHERE id = v_reply.id;
  INSERT INTO usage_hour AS u (hour, account_id, model, requests, answers, failures, stopped,
      free_answers, input_tokens, cached_tokens, output_tokens, credit, messages, upstream_cost,
      first_word_ms, answer_ms)
    VALUES (date_trunc('hour', now(), 'UTC'), v_reply.account_id, v_reply.model_asked, 1,
      (v_state = 'answered')::int, (v_state = 'failed')::int, (v_state = 'stopped')::int,
      (p->>'freeReason' IS NOT NULL AND v_state <> 'failed')::int,
      coalesce((p->>'inputTokens')::bigint, 0), coalesce((p->>'cachedTokens')::bigint, 0),
      coalesce((p->>'outputTokens')::bigint, 0),
      CASE WHEN v_reply.unit = 'credit' THEN v_captured ELSE 0 END,
      CASE WHEN v_reply.unit = 'message' THEN v_captured ELSE 0 END,
      (p->>'upstreamCost')::bigint, coalesce((p->>'firstWordMs')::bigint, 0),
      CASE WHEN v_state = 'answered' THEN coalesce((p->>'answerMs')::bigint, 0) ELSE 0 END)
    ON CONFLICT (hour, account_id, model) DO UPDATE SET
      requests = u.requests + 1, answers = u.answers + excluded.answers,
      failures = u.failures + excluded.failures, stopped = u.stopped + excluded.stopped,
      free_answers = u.free_answers + excluded.free_answers,
      input_tokens = u.input_tokens + excluded.input_tokens,
      cached_tokens = u.cached_tokens + excluded.cached_tokens,
      output_tokens = u.output_tokens + excluded.output_tokens,
      credit = u.credit + excluded.credit, messages = u.messages + excluded.messages,
      upstream_cost = u.upstream_cost + excluded.upstream_cost,
      first_word_ms = u.first_word_ms + excluded.first_word_ms,
      answer_ms = u.answer_ms + excluded.answer_ms;
  RETURN v_captured;
END $$;

-- Ends those of the replies that no worker has begun, asks the workers of the others to stop.
CREATE FUNCTION stop_replies(p_account text, p_replies uuid[])
RETURNS TABLE (id uuid, ended boolean) LANGUAGE plpgsql AS $$
DECLARE
  v_reply record;
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
      PERFORM finish_reply(jsonb_build_object('id', v_reply.id, 'state', 'stopped', 'text', '',
        'charge', '0', 'upstreamCost', '0', 'freeReason', 'nothing_delivered'));
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

-- Finds who wrote, or makes them an account (p_new_account is its id then).
CREATE FUNCTION identify_person(
  p_new_account text, p_platform text, p_bot text, p_user text, p_name text, p_username text,
  p_direct_channel text, OUT known_identity identity, OUT known_account account, OUT is_new boolean
) LANGUAGE plpgsql AS $$
BEGIN
  is_new := false;
  LOOP
    SELECT * INTO known_identity FROM identity
      WHERE platform = p_platform AND bot = p_bot AND platform_user_id = p_user;
    EXIT WHEN FOUND;
    -- Two first messages at once: the second one's insert does nothing, and it looks again.
    INSERT INTO account (id) VALUES (p_new_account);
    INSERT INTO identity (account_id, platform, bot, platform_user_id, display_name, username,
        direct_channel)
      VALUES (p_new_account, p_platform, p_bot, p_user, p_name, p_username, p_direct_channel)
      ON CONFLICT DO NOTHING RETURNING * INTO known_identity;
    is_new := FOUND;
    EXIT WHEN is_new;
    DELETE FROM account WHERE id = p_new_account;
  END LOOP;
  -- Writes only what changed, so that the usual message writes nothing here.
  IF known_identity.display_name <> p_name OR known_identity.username IS DISTINCT FROM p_username
      OR (p_direct_channel IS NOT NULL AND known_identity.direct_channel IS DISTINCT FROM p_direct_channel)
      OR known_identity.unreachable_at IS NOT NULL THEN
    UPDATE identity SET display_name = p_name, username = p_username,
        direct_channel = coalesce(p_direct_channel, direct_channel), unreachable_at = NULL
      WHERE id = known_identity.id RETURNING * INTO known_identity;
  END IF;
  UPDATE account SET last_seen_at = now()
    WHERE id = known_identity.account_id AND last_seen_at < now() - interval '1 hour';
  SELECT * INTO known_account FROM account WHERE id = known_identity.account_id;
END $$;

-- The conversation that goes on for an owner; begins one when there is none.
CREATE FUNCTION read_current_conversation(p_owner text, p_account text, p_new_id uuid) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
  v_id uuid;
BEGIN
  SELECT conversation_id INTO v_id FROM current_conversation WHERE owner_key = p_owner;
  IF FOUND THEN RETURN v_id; END IF;
  INSERT INTO conversation (id, account_id) VALUES (p_new_id, p_account);
  INSERT INTO current_conversation (owner_key, conversation_id) VALUES (p_owner, p_new_id)
    ON CONFLICT (owner_key) DO NOTHING;
  IF NOT FOUND THEN
    DELETE FROM conversation WHERE id = p_new_id;
    SELECT conversation_id INTO v_id FROM current_conversation WHERE owner_key = p_owner;
    RETURN v_id;
  END IF;
  RETURN p_new_id;
END $$;
