-- One wallet for one person on several platforms: /link merges two accounts, /unlink takes one chat
-- off again.
--
-- A merge is one transaction. The account that showed the code survives; all that the other one owns
-- moves to it, every lot and every hold with a line of its own in the journal. The other one stays as
-- a signpost (`merged_into`), which always names an account that lives.
--
-- Whoever still comes with the id of a merged account (a job, a message being handled, an admin) is
-- led to the one that lives: by `live_account` where something is read, by `lock_live_account` where
-- something moves. Under that lock an account is not merged.
--
-- Order of locks: links (one at a time), identity, account, reply, card batch, card, hold, lot.

ALTER TABLE "account" ADD COLUMN "merged_into" TEXT,
    ADD CONSTRAINT "account_status_check" CHECK ("status" IN ('active', 'banned', 'merged')),
    ADD CONSTRAINT "account_merged_check" CHECK (("status" = 'merged') = ("merged_into" IS NOT NULL)),
    ADD CONSTRAINT "account_merged_into_check" CHECK ("merged_into" <> "id");

-- Few accounts are merged or referred by one.
CREATE INDEX "account_merged_into_idx" ON "account"("merged_into") WHERE "merged_into" IS NOT NULL;
CREATE INDEX "account_referred_by_idx" ON "account"("referred_by") WHERE "referred_by" IS NOT NULL;

CREATE INDEX "current_conversation_conversation_id_idx" ON "current_conversation"("conversation_id");
CREATE INDEX "usage_hour_account_id_hour_idx" ON "usage_hour"("account_id", "hour");

CREATE TABLE "link_code" (
    "account_id" TEXT NOT NULL,
    "identity_id" BIGINT NOT NULL,
    "code_hmac" BYTEA NOT NULL,
    "valid_until" TIMESTAMPTZ(3) NOT NULL,
    "used_by" TEXT,

    CONSTRAINT "link_code_pkey" PRIMARY KEY ("account_id")
);
CREATE UNIQUE INDEX "link_code_code_hmac_key" ON "link_code"("code_hmac");
CREATE INDEX "link_code_valid_until_idx" ON "link_code"("valid_until");

-- Who an account is today

CREATE FUNCTION "live_account"(p_account text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT a.merged_into FROM account a WHERE a.id = p_account), p_account)
$$;

-- Locks the account that lives and returns its id.
CREATE FUNCTION "lock_live_account"(p_account text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_account text;
    v_into text;
BEGIN
    -- Read before it is locked: a merged account is not kept locked while its survivor is awaited,
    -- unless it was merged at this very moment.
    SELECT coalesce(a.merged_into, a.id) INTO v_account FROM account a WHERE a.id = p_account;
    IF NOT FOUND THEN RAISE EXCEPTION 'there is no account %', p_account; END IF;
    -- Ends: an account is merged once, into one that lives then.
    LOOP
        SELECT a.merged_into INTO v_into FROM account a WHERE a.id = v_account FOR NO KEY UPDATE;
        IF v_into IS NULL THEN RETURN v_account; END IF;
        v_account := v_into;
    END LOOP;
END $$;

-- Locks the account of a hold and reads the hold as it is from then on. While the lock was awaited
-- the hold may have moved to another account, but hardly ten times.
CREATE OR REPLACE FUNCTION "lock_hold"(p_hold uuid) RETURNS hold LANGUAGE plpgsql AS $$
DECLARE
    v_hold hold;
    v_account text;
BEGIN
    FOR v_try IN 1 .. 10 LOOP
        SELECT h.account_id INTO v_account FROM hold h WHERE h.id = p_hold;
        IF NOT FOUND THEN RAISE EXCEPTION 'there is no hold %', p_hold; END IF;
        v_account := lock_live_account(v_account);
        SELECT h.* INTO v_hold FROM hold h WHERE h.id = p_hold AND h.account_id = v_account FOR UPDATE;
        IF FOUND THEN RETURN v_hold; END IF;
    END LOOP;
    RAISE EXCEPTION 'hold % belongs to a merged account', p_hold;
END $$;

-- The same for a reply and for a lot; whoever calls reads them afterwards.
CREATE FUNCTION "lock_account_of_reply"(p_reply uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_account text;
BEGIN
    FOR v_try IN 1 .. 10 LOOP
        SELECT r.account_id INTO v_account FROM reply r WHERE r.id = p_reply;
        IF NOT FOUND THEN RETURN; END IF;
        v_account := lock_live_account(v_account);
        PERFORM 1 FROM reply r WHERE r.id = p_reply AND r.account_id = v_account;
        IF FOUND THEN RETURN; END IF;
    END LOOP;
    RAISE EXCEPTION 'reply % belongs to a merged account', p_reply;
END $$;

CREATE FUNCTION "lock_account_of_lot"(p_lot uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_account text;
BEGIN
    FOR v_try IN 1 .. 10 LOOP
        SELECT l.account_id INTO v_account FROM lot l WHERE l.id = p_lot;
        IF NOT FOUND THEN RETURN; END IF;
        v_account := lock_live_account(v_account);
        PERFORM 1 FROM lot l WHERE l.id = p_lot AND l.account_id = v_account;
        IF FOUND THEN RETURN; END IF;
    END LOOP;
    RAISE EXCEPTION 'lot % belongs to a merged account', p_lot;
END $$;

-- What takes an account, a reply or an entry from outside finds and locks the account that lives,
-- then does what it did before, under the name with "_live".

ALTER FUNCTION "grant_lot" RENAME TO "grant_lot_live";
CREATE FUNCTION "grant_lot"(
    p_id uuid, p_cause text, p_account text, p_unit text, p_kind smallint, p_priority smallint,
    p_amount bigint, p_valid_until timestamptz, p_model_scope text[], p_origin text, p_reason text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_account text := lock_live_account(p_account);
BEGIN
    -- A trial that comes too late: the account that lives has its own.
    IF p_kind = 0 AND v_account <> p_account THEN RETURN false; END IF;
    RETURN grant_lot_live(p_id, p_cause, v_account, p_unit, p_kind, p_priority, p_amount,
                          p_valid_until, p_model_scope, p_origin, p_reason);
END $$;

ALTER FUNCTION "place_hold" RENAME TO "place_hold_live";
CREATE FUNCTION "place_hold"(
    p_cause text, p_account text, p_model text, p_message_cost bigint, p_credit_max bigint,
    p_credit_min bigint, p_lease_ms bigint,
    OUT status text, OUT hold_id uuid, OUT unit text, OUT amount bigint,
    OUT credit_available bigint, OUT messages_available bigint
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT h.* INTO status, hold_id, unit, amount, credit_available, messages_available
    FROM place_hold_live(p_cause, lock_live_account(p_account), p_model, p_message_cost,
                         p_credit_max, p_credit_min, p_lease_ms) h;
END $$;

ALTER FUNCTION "redeem_card" RENAME TO "redeem_card_live";
CREATE FUNCTION "redeem_card"(
    p_code_hmacs bytea[], p_account text, p_lot uuid,
    OUT status text, OUT unit text, OUT amount bigint, OUT valid_until timestamptz, OUT extended boolean
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT c.* INTO status, unit, amount, valid_until, extended
    FROM redeem_card_live(p_code_hmacs, lock_live_account(p_account), p_lot) c;
END $$;

ALTER FUNCTION "undo_grant" RENAME TO "undo_grant_live";
CREATE FUNCTION "undo_grant"(
    p_entry bigint, p_reason text,
    OUT status text, OUT account_id text, OUT unit text, OUT amount bigint
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_account_of_lot(e.lot_id) FROM entry e WHERE e.id = p_entry;
    SELECT u.* INTO status, account_id, unit, amount FROM undo_grant_live(p_entry, p_reason) u;
END $$;

ALTER FUNCTION "open_reply" RENAME TO "open_reply_live";
CREATE FUNCTION "open_reply"(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_account text := lock_live_account(p->>'accountId');
BEGIN
    -- Not copied without need: it may hold pictures.
    IF v_account = p->>'accountId' THEN RETURN open_reply_live(p); END IF;
    RETURN open_reply_live(p || jsonb_build_object('accountId', v_account));
END $$;

ALTER FUNCTION "release_replies" RENAME TO "release_replies_live";
CREATE FUNCTION "release_replies"(p_account text, p_running_max int) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT r.* FROM release_replies_live(lock_live_account(p_account), p_running_max) r;
END $$;

ALTER FUNCTION "start_reply" RENAME TO "start_reply_live";
CREATE FUNCTION "start_reply"(p_reply uuid, p_lease_ms bigint)
RETURNS TABLE (started reply, held_amount bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_account_of_reply(p_reply);
    RETURN QUERY SELECT s.started, s.held_amount FROM start_reply_live(p_reply, p_lease_ms) s;
END $$;

ALTER FUNCTION "finish_reply" RENAME TO "finish_reply_live";
CREATE FUNCTION "finish_reply"(p jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_account_of_reply((p->>'id')::uuid);
    RETURN finish_reply_live(p);
END $$;

ALTER FUNCTION "stop_replies" RENAME TO "stop_replies_live";
CREATE FUNCTION "stop_replies"(p_account text, p_replies uuid[])
RETURNS TABLE (id uuid, ended boolean) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT s.id, s.ended FROM stop_replies_live(lock_live_account(p_account), p_replies) s;
END $$;

-- As before, but a hold that has just moved is left for the next time: a sweeper never waits.
CREATE OR REPLACE FUNCTION "release_lapsed_holds"(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_hold record;
    v_count integer := 0;
BEGIN
    FOR v_hold IN
        SELECT h.id, h.account_id FROM hold h JOIN account a ON a.id = h.account_id
        WHERE h.state = 'open' AND h.lease_until <= clock_timestamp()
        ORDER BY h.lease_until LIMIT p_limit
        FOR NO KEY UPDATE OF a SKIP LOCKED
    LOOP
        -- Looked at once more: it may have been renewed or resolved before its account was locked.
        PERFORM 1 FROM hold h WHERE h.id = v_hold.id AND h.account_id = v_hold.account_id
            AND h.state = 'open' AND h.lease_until <= clock_timestamp();
        IF FOUND THEN
            PERFORM release_hold(v_hold.id, 'expired');
            v_count := v_count + 1;
        END IF;
    END LOOP;
    RETURN v_count;
END $$;

-- Conversations are begun and chosen without an account's lock, so their rows find the account that
-- lives by themselves. FOR SHARE waits for a merge under way.

CREATE FUNCTION "live_account_shared"(p_account text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_account text;
BEGIN
    SELECT coalesce(a.merged_into, a.id) INTO v_account FROM account a WHERE a.id = p_account FOR SHARE;
    RETURN coalesce(v_account, p_account);
END $$;

-- "<chat>:<account>", or the key of a chat that many share.
CREATE FUNCTION "live_owner_key"(p_key text) RETURNS text LANGUAGE sql AS $$
    SELECT left(p_key, length(p_key) - length(k.last)) || live_account_shared(k.last)
    FROM (SELECT substring(p_key FROM '[^:]*$') AS last) k
$$;

CREATE FUNCTION "find_live_account"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.account_id := live_account_shared(NEW.account_id);
    RETURN NEW;
END $$;
CREATE TRIGGER "conversation_of_live_account" BEFORE INSERT ON "conversation"
    FOR EACH ROW WHEN (NEW.account_id IS NOT NULL) EXECUTE FUNCTION "find_live_account"();

CREATE FUNCTION "find_live_owner"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.owner_key := live_owner_key(NEW.owner_key);
    RETURN NEW;
END $$;
CREATE TRIGGER "current_conversation_of_live_account" BEFORE INSERT ON "current_conversation"
    FOR EACH ROW EXECUTE FUNCTION "find_live_owner"();

ALTER FUNCTION "read_current_conversation" RENAME TO "read_current_conversation_live";
CREATE FUNCTION "read_current_conversation"(p_owner text, p_account text, p_new_id uuid) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
BEGIN
    SELECT c.conversation_id INTO v_id FROM current_conversation c WHERE c.owner_key = p_owner;
    IF FOUND THEN RETURN v_id; END IF;
    RETURN read_current_conversation_live(live_owner_key(p_owner), p_account, p_new_id);
END $$;

-- Codes

-- Gives an account its one code, in place of an earlier one; returns until when it may be used.
CREATE FUNCTION "issue_link_code"(p_account text, p_identity bigint, p_code_hmac bytea, p_life_ms bigint)
RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + p_life_ms * interval '1 millisecond';
BEGIN
    DELETE FROM link_code WHERE account_id IN (
        SELECT c.account_id FROM link_code c WHERE c.valid_until < clock_timestamp() - interval '1 day'
        LIMIT 100 FOR UPDATE SKIP LOCKED);
    INSERT INTO link_code (account_id, identity_id, code_hmac, valid_until)
    VALUES (live_account(p_account), p_identity, p_code_hmac, v_until)
    ON CONFLICT (account_id) DO UPDATE SET identity_id = excluded.identity_id,
        code_hmac = excluded.code_hmac, valid_until = excluded.valid_until, used_by = NULL;
    RETURN v_until;
END $$;

-- Counts a try of a code before the code is looked at. `until`: the try is refused and not counted,
-- for the person's own tries or for everybody's; else null. `closes`: from now on everybody's are.
-- In hundredths, as all counts of redeem_guess. A person's window begins anew with each try, so
-- there are never more than p_max in it; everybody's does not, else it would never end.
CREATE FUNCTION "count_link_try"(
    p_person text, p_window_ms bigint, p_max integer, p_everybody_max integer,
    OUT until timestamptz, OUT closes boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_window interval := p_window_ms * interval '1 millisecond';
    v_weight integer;
BEGIN
    closes := false;
    INSERT INTO redeem_guess AS g (key, weight, window_start) VALUES ('link:' || p_person, 100, v_now)
    ON CONFLICT (key) DO UPDATE SET window_start = excluded.window_start,
        weight = CASE WHEN g.window_start > v_now - v_window THEN g.weight ELSE 0 END + 100
    WHERE g.weight < p_max * 100 OR g.window_start <= v_now - v_window;
    IF NOT FOUND THEN
        SELECT g.window_start + v_window INTO until FROM redeem_guess g WHERE g.key = 'link:' || p_person;
        RETURN;
    END IF;
    INSERT INTO redeem_guess AS g (key, weight, window_start) VALUES ('links', 100, v_now)
    ON CONFLICT (key) DO UPDATE SET
        weight = CASE WHEN g.window_start > v_now - v_window THEN g.weight ELSE 0 END + 100,
        window_start = CASE WHEN g.window_start > v_now - v_window THEN g.window_start ELSE v_now END
    WHERE g.weight < p_everybody_max * 100 OR g.window_start <= v_now - v_window
    RETURNING g.weight INTO v_weight;
    IF FOUND THEN
        closes := v_weight = p_everybody_max * 100;
    ELSE
        UPDATE redeem_guess g SET weight = g.weight - 100 WHERE g.key = 'link:' || p_person;
        SELECT g.window_start + v_window INTO until FROM redeem_guess g WHERE g.key = 'links';
    END IF;
END $$;

-- The try was no guess: it counts no more.
CREATE FUNCTION "return_link_try"(p_person text) RETURNS void LANGUAGE sql AS $$
    UPDATE redeem_guess SET weight = greatest(weight - 100, 0) WHERE key = 'link:' || p_person;
    UPDATE redeem_guess SET weight = greatest(weight - 100, 0) WHERE key = 'links';
$$;

-- Merging

-- Who types a code joins the account that showed it. status: 'linked'; 'invalid' for a code that is
-- unknown, over or used by somebody else; 'own_code', typed where it was shown; 'already_linked';
-- 'banned', one of the two. Only 'linked' moves anything. `merged`: the account that was merged by
-- this code, now or before.
CREATE FUNCTION "link_accounts"(
    p_code_hmac bytea, p_identity bigint, OUT status text, OUT account_id text, OUT merged text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_code link_code;
    v_from text;
    v_into text;
BEGIN
    -- One link at a time: so two at once cannot wait for each other, and accounts stay who they are.
    PERFORM pg_advisory_xact_lock(hashtextextended('links', 0));
    SELECT c.* INTO v_code FROM link_code c
    WHERE c.code_hmac = p_code_hmac AND c.valid_until > clock_timestamp();
    IF NOT FOUND THEN status := 'invalid'; RETURN; END IF;
    v_into := live_account(v_code.account_id);
    SELECT i.account_id INTO v_from FROM identity i WHERE i.id = p_identity;
    IF v_from = v_into THEN
        status := CASE WHEN v_code.used_by IS NULL AND v_code.identity_id = p_identity
            THEN 'own_code' ELSE 'already_linked' END;
        account_id := v_into;
        merged := v_code.used_by;
        RETURN;
    END IF;
    IF v_from IS NULL OR v_code.used_by IS NOT NULL THEN status := 'invalid'; RETURN; END IF;

    -- Identities first, as identify_person has them.
    PERFORM 1 FROM identity i WHERE i.account_id IN (v_from, v_into) ORDER BY i.id FOR UPDATE;
    PERFORM 1 FROM account a WHERE a.id IN (v_from, v_into) ORDER BY a.id FOR NO KEY UPDATE;
    PERFORM 1 FROM account a WHERE a.id IN (v_from, v_into) AND a.status <> 'active';
    IF FOUND THEN status := 'banned'; RETURN; END IF;

    -- Its own codes go with an account: nobody joins it any more.
    UPDATE link_code SET used_by = v_from
    WHERE code_hmac = p_code_hmac OR (account_id = v_from AND used_by IS NULL);
    INSERT INTO audit (actor, action, target, reason, before, after)
    SELECT i.platform || ':' || i.platform_user_id, 'link', v_into, '',
        jsonb_build_object('account', v_from), jsonb_build_object('account', v_into)
    FROM identity i WHERE i.id = p_identity;
    PERFORM merge_credit(v_from, v_into);
    PERFORM merge_belongings(v_from, v_into);
    PERFORM merge_account_rows(v_from, v_into);
    status := 'linked';
    account_id := v_into;
    merged := v_from;
END $$;

-- Moves lots and holds, each with its line in the journal. A lot that is used up has nothing to
-- move; it goes along as the history of its card.
CREATE FUNCTION "merge_credit"(p_from text, p_into text) RETURNS void LANGUAGE plpgsql AS $$
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
    FROM hold h JOIN hold_lot p ON p.hold_id = h.id
    WHERE h.account_id = p_from AND h.state = 'open' ORDER BY h.id, p.position;
    UPDATE hold SET account_id = p_into WHERE account_id = p_from;

    INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, reason)
    SELECT 'link:' || p_from || ':' || l.id, 0, 'user:' || p_from, 'user:' || p_into,
           l.unit, l.remaining, l.id, 'link'
    FROM lot l WHERE l.account_id = p_from AND l.remaining > 0 ORDER BY l.id;
    UPDATE lot SET account_id = p_into WHERE account_id = p_from;
END $$;

-- Two trials are one trial's worth: the side with less left gives its rest back. What is held of it
-- just now is spent by the answer it was held for, or becomes breakage. Left is what is free, and
-- between equals what may still return.
CREATE FUNCTION "end_second_trial"(p_from text, p_into text, p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_unit text;
    v_from bigint[];
    v_into bigint[];
    v_less text;
    v_lot record;
BEGIN
    FOREACH v_unit IN ARRAY ARRAY['credit', 'message'] LOOP
        v_from := trial_left(p_from, v_unit);
        v_into := trial_left(p_into, v_unit);
        CONTINUE WHEN v_from IS NULL OR v_into IS NULL;
        v_less := CASE WHEN v_from > v_into THEN p_into ELSE p_from END;
        FOR v_lot IN
            SELECT l.id, l.remaining, l.origin FROM lot l
            WHERE l.account_id = v_less AND l.kind = 0 AND l.unit = v_unit AND l.expired_at IS NULL
            ORDER BY l.id
        LOOP
            UPDATE lot SET remaining = 0, expired_at = p_now, valid_until = least(valid_until, p_now)
            WHERE id = v_lot.id;
            CONTINUE WHEN v_lot.remaining = 0;
            INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, reason)
            VALUES ('link:' || p_from || ':trial:' || v_lot.id, 0, 'user:' || v_less, v_lot.origin,
                    v_unit, v_lot.remaining, v_lot.id, 'second trial');
        END LOOP;
    END LOOP;
END $$;

-- What an account has of its trial: free, and with what is held; null when there is no trial.
CREATE FUNCTION "trial_left"(p_account text, p_unit text) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT CASE WHEN count(*) > 0 THEN ARRAY[sum(l.remaining), sum(l.remaining + coalesce(p.held, 0))]::bigint[] END
    FROM lot l LEFT JOIN LATERAL (
        SELECT sum(p.amount) AS held FROM hold_lot p JOIN hold h ON h.id = p.hold_id
        WHERE p.lot_id = l.id AND h.state = 'open') p ON true
    WHERE l.account_id = p_account AND l.kind = 0 AND l.unit = p_unit AND l.expired_at IS NULL
$$;

-- Moves what else names an account. A migration that adds such a table replaces this function with
-- one that moves its rows too; a test finds columns that were forgotten.
CREATE FUNCTION "merge_belongings"(p_from text, p_into text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Both may have one in the same chat: the one used last goes on.
    WITH moved AS (
        DELETE FROM current_conversation c USING conversation v
        WHERE v.id = c.conversation_id AND v.account_id = p_from
            AND right(c.owner_key, length(p_from) + 1) = ':' || p_from
        RETURNING c.owner_key, c.conversation_id
    )
    INSERT INTO current_conversation AS c (owner_key, conversation_id)
    SELECT left(m.owner_key, -length(p_from)) || p_into, m.conversation_id FROM moved m
    ON CONFLICT (owner_key) DO UPDATE SET conversation_id = excluded.conversation_id
    WHERE (SELECT v.last_turn_at FROM conversation v WHERE v.id = excluded.conversation_id)
        > (SELECT v.last_turn_at FROM conversation v WHERE v.id = c.conversation_id);
    UPDATE conversation SET account_id = p_into WHERE account_id = p_from;
    UPDATE turn SET account_id = p_into WHERE account_id = p_from;

    WITH moved AS (DELETE FROM usage_hour WHERE account_id = p_from RETURNING *)
    INSERT INTO usage_hour AS u (hour, account_id, model, requests, answers, failures, stopped,
        free_answers, input_tokens, cached_tokens, output_tokens, credit, messages, upstream_cost,
        first_word_ms, answer_ms)
    SELECT hour, p_into, model, requests, answers, failures, stopped, free_answers, input_tokens,
        cached_tokens, output_tokens, credit, messages, upstream_cost, first_word_ms, answer_ms
    FROM moved
    ON CONFLICT (hour, account_id, model) DO UPDATE SET
        requests = u.requests + excluded.requests, answers = u.answers + excluded.answers,
        failures = u.failures + excluded.failures, stopped = u.stopped + excluded.stopped,
        free_answers = u.free_answers + excluded.free_answers,
        input_tokens = u.input_tokens + excluded.input_tokens,
        cached_tokens = u.cached_tokens + excluded.cached_tokens,
        output_tokens = u.output_tokens + excluded.output_tokens,
        credit = u.credit + excluded.credit, messages = u.messages + excluded.messages,
        upstream_cost = u.upstream_cost + excluded.upstream_cost,
        first_word_ms = u.first_word_ms + excluded.first_word_ms,
        answer_ms = u.answer_ms + excluded.answer_ms;

    -- Wrong card codes: linking opens no lock.
    WITH moved AS (DELETE FROM redeem_guess WHERE key = 'account:' || p_from RETURNING *)
    INSERT INTO redeem_guess AS g (key, weight, window_start, lock_count, locked_until)
    SELECT 'account:' || p_into, weight, window_start, lock_count, locked_until FROM moved
    ON CONFLICT (key) DO UPDATE SET weight = greatest(g.weight, excluded.weight),
        window_start = greatest(g.window_start, excluded.window_start),
        lock_count = greatest(g.lock_count, excluded.lock_count),
        locked_until = greatest(g.locked_until, excluded.locked_until);
END $$;

-- The survivor keeps what its person chose and takes over the rest; the other one becomes a signpost.
CREATE FUNCTION "merge_account_rows"(p_from text, p_into text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE account a SET locale = coalesce(a.locale, f.locale), model = coalesce(a.model, f.model),
        role = coalesce(a.role, f.role), show_receipt = coalesce(a.show_receipt, f.show_receipt),
        trial_granted_at = least(a.trial_granted_at, f.trial_granted_at),
        -- Nobody refers themselves.
        referred_by = coalesce(nullif(a.referred_by, p_from), nullif(f.referred_by, p_into)),
        created_at = least(a.created_at, f.created_at),
        last_seen_at = greatest(a.last_seen_at, f.last_seen_at)
    FROM account f WHERE a.id = p_into AND f.id = p_from;
    UPDATE account SET referred_by = p_into WHERE referred_by = p_from;
    UPDATE account SET merged_into = p_into WHERE merged_into = p_from;
    UPDATE account SET status = 'merged', merged_into = p_into, referred_by = NULL WHERE id = p_from;
    UPDATE identity SET account_id = p_into WHERE account_id = p_from;
END $$;

-- Takes an identity off into a new account (p_new) without credit and without a trial. status:
-- 'unlinked', 'only_one' or 'banned'. account_id: the account it leaves.
CREATE FUNCTION "unlink_identity"(p_identity bigint, p_new text, OUT status text, OUT account_id text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_from account;
    v_id text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('links', 0));
    SELECT i.account_id INTO v_id FROM identity i WHERE i.id = p_identity FOR UPDATE;
    SELECT a.* INTO v_from FROM account a WHERE a.id = v_id FOR NO KEY UPDATE;
    account_id := v_id;
    IF v_from.status <> 'active' THEN status := 'banned'; RETURN; END IF;
    IF (SELECT count(*) FROM identity i WHERE i.account_id = v_id) = 1 THEN
        status := 'only_one';
        RETURN;
    END IF;

    INSERT INTO account (id, locale, model, role, show_receipt, trial_granted_at)
    VALUES (p_new, v_from.locale, v_from.model, v_from.role, v_from.show_receipt, clock_timestamp());
    UPDATE identity SET account_id = p_new WHERE id = p_identity;
    -- A code that was shown in that chat leads back to the credit.
    UPDATE link_code SET valid_until = clock_timestamp()
    WHERE account_id = v_id AND valid_until > clock_timestamp();
    -- A new account opens no lock on wrong card codes.
    INSERT INTO redeem_guess (key, weight, window_start, lock_count, locked_until)
    SELECT 'account:' || p_new, g.weight, g.window_start, g.lock_count, g.locked_until
    FROM redeem_guess g WHERE g.key = 'account:' || v_id;
    INSERT INTO audit (actor, action, target, reason, before, after)
    SELECT i.platform || ':' || i.platform_user_id, 'unlink', v_id, '',
        jsonb_build_object('account', v_id), jsonb_build_object('account', p_new)
    FROM identity i WHERE i.id = p_identity;
    status := 'unlinked';
END $$;
