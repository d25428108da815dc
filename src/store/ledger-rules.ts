// Debit equals credit in every transaction by the form of the journal: a line is both sides of its
// movement, and its amount is positive. So the rules compare the journal, replayed from zero, with
// what is stored.

/**
 * What must hold in the books, each rule as a sentence with the query of what breaks it: rows of
 * the account it is about and the difference.
 */
export const LEDGER_RULES: readonly (readonly [rule: string, query: string])[] = [
  [
    "a lot holds what the journal says",
    `SELECT 'user:' || l.account_id AS account, coalesce(j.amount, 0) - l.remaining AS difference
     FROM lot l LEFT JOIN (
       SELECT lot_id, sum(CASE WHEN to_account LIKE 'user:%' THEN amount ELSE 0 END)
         - sum(CASE WHEN from_account LIKE 'user:%' THEN amount ELSE 0 END) AS amount
       FROM entry WHERE lot_id IS NOT NULL GROUP BY lot_id) j ON j.lot_id = l.id
     WHERE coalesce(j.amount, 0) <> l.remaining`,
  ],
  [
    "an account owns what the journal says",
    `SELECT account, coalesce(j.amount, 0) - coalesce(s.amount, 0) AS difference FROM (
       SELECT account, unit, sum(amount) AS amount FROM (
         SELECT to_account AS account, unit, amount FROM entry WHERE to_account LIKE 'user:%'
         UNION ALL
         SELECT from_account, unit, -amount FROM entry WHERE from_account LIKE 'user:%') e
       GROUP BY account, unit) j
     FULL JOIN (
       SELECT 'user:' || account_id AS account, unit, sum(remaining) AS amount
       FROM lot GROUP BY account_id, unit) s USING (account, unit)
     WHERE coalesce(j.amount, 0) <> coalesce(s.amount, 0)`,
  ],
  [
    "what is held is in open holds",
    `SELECT account, coalesce(j.amount, 0) - coalesce(s.amount, 0) AS difference FROM (
       SELECT account, unit, sum(amount) AS amount FROM (
         SELECT to_account AS account, unit, amount FROM entry WHERE to_account LIKE 'held:%'
         UNION ALL
         SELECT from_account, unit, -amount FROM entry WHERE from_account LIKE 'held:%') e
       GROUP BY account, unit) j
     FULL JOIN (
       SELECT 'held:' || account_id AS account, unit, sum(amount) AS amount
       FROM hold WHERE state = 'open' GROUP BY account_id, unit) s USING (account, unit)
     WHERE coalesce(j.amount, 0) <> coalesce(s.amount, 0)`,
  ],
  [
    "a lot was granted once, by its own entry",
    `SELECT 'user:' || l.account_id AS account, l.granted - coalesce(sum(e.amount), 0) AS difference
     FROM lot l LEFT JOIN entry e ON e.transfer = 'grant:' || l.cause AND e.lot_id = l.id
       AND e.unit = l.unit AND e.to_account LIKE 'user:%' AND e.from_account = l.origin
     GROUP BY l.id HAVING coalesce(sum(e.amount), 0) <> l.granted`,
  ],
  [
    "a lot is used up only through its parts",
    `SELECT 'user:' || l.account_id AS account,
       l.granted - l.remaining - coalesce(e.gone, 0) - coalesce(p.held, 0) AS difference
     FROM lot l
     LEFT JOIN (SELECT lot_id, sum(amount) AS gone FROM entry
       WHERE to_account NOT LIKE 'user:%' AND to_account NOT LIKE 'held:%' GROUP BY lot_id) e
       ON e.lot_id = l.id
     LEFT JOIN (SELECT p.lot_id, sum(p.amount) AS held FROM hold h CROSS JOIN LATERAL hold_parts(h, 0) p
       WHERE h.state = 'open' GROUP BY p.lot_id) p ON p.lot_id = l.id
     WHERE l.granted <> l.remaining + coalesce(e.gone, 0) + coalesce(p.held, 0)`,
  ],
  [
    "the parts of a hold are the hold",
    `SELECT 'held:' || h.account_id AS account, h.amount - coalesce(sum(p.amount), 0) AS difference
     FROM hold h LEFT JOIN LATERAL hold_parts(h, 0) p ON true
     GROUP BY h.id HAVING coalesce(sum(p.amount), 0) <> h.amount`,
  ],
  [
    "a part of a hold moved as the journal says",
    `SELECT 'held:' || h.account_id AS account, abs(p.amount - coalesce(j.taken, 0))
       + abs(p.charged - coalesce(j.charged, 0))
       + abs((CASE WHEN h.state = 'open' THEN 0 ELSE p.amount - p.charged END)
             - coalesce(j.returned, 0)) AS difference
     FROM hold h
     LEFT JOIN (SELECT hold_id, sum(amount)::bigint AS charged FROM entry
       WHERE from_account LIKE 'held:%' AND to_account = 'revenue' GROUP BY hold_id) c
       ON c.hold_id = h.id
     CROSS JOIN LATERAL hold_parts(h, coalesce(c.charged, 0)) p
     LEFT JOIN (SELECT hold_id, lot_id,
         sum(amount) FILTER (WHERE from_account LIKE 'user:%' AND to_account LIKE 'held:%') AS taken,
         sum(amount) FILTER (WHERE from_account LIKE 'held:%' AND to_account = 'revenue') AS charged,
         sum(amount) FILTER (WHERE from_account LIKE 'held:%'
           AND to_account <> 'revenue' AND to_account NOT LIKE 'held:%') AS returned
       FROM entry WHERE hold_id IS NOT NULL GROUP BY hold_id, lot_id) j
       ON j.hold_id = h.id AND j.lot_id = p.lot_id
     WHERE p.amount <> coalesce(j.taken, 0) OR p.charged <> coalesce(j.charged, 0)
       OR (CASE WHEN h.state = 'open' THEN 0 ELSE p.amount - p.charged END) <> coalesce(j.returned, 0)`,
  ],
  [
    "a captured hold earned what it says",
    `SELECT 'held:' || h.account_id AS account, h.captured - coalesce(sum(e.amount), 0) AS difference
     FROM hold h LEFT JOIN entry e ON e.hold_id = h.id AND e.to_account = 'revenue'
     GROUP BY h.id HAVING coalesce(sum(e.amount), 0) <> h.captured`,
  ],
  [
    "no lot was ever overdrawn",
    `SELECT account, -min(balance) AS difference FROM (
       SELECT 'user:' || l.account_id AS account, l.id, sum(
         CASE WHEN e.from_account LIKE 'user:%' AND e.to_account LIKE 'user:%' THEN 0
              WHEN e.to_account LIKE 'user:%' THEN e.amount
              WHEN e.from_account LIKE 'user:%' THEN -e.amount ELSE 0 END)
         OVER (PARTITION BY e.lot_id ORDER BY e.id) AS balance
       FROM entry e JOIN lot l ON l.id = e.lot_id) r
     WHERE balance < 0 GROUP BY account, id`,
  ],
  [
    "an entry keeps to the unit and the account of its lot",
    `SELECT 'user:' || l.account_id AS account, e.amount AS difference
     FROM entry e JOIN lot l ON l.id = e.lot_id
     -- Accounts as they were then: those that were merged lead to the owner of today.
     LEFT JOIN account f ON f.id = substring(e.from_account FROM '^(?:user|held):(.*)$')
     LEFT JOIN account t ON t.id = substring(e.to_account FROM '^(?:user|held):(.*)$')
     WHERE e.unit <> l.unit
       OR (e.from_account ~ '^(user|held):'
         AND coalesce(f.merged_into, f.id) IS DISTINCT FROM l.account_id)
       OR (e.to_account ~ '^(user|held):'
         AND coalesce(t.merged_into, t.id) IS DISTINCT FROM l.account_id)`,
  ],
  [
    "an account that was merged owns nothing",
    `SELECT 'user:' || o.account_id AS account, o.amount AS difference FROM (
       SELECT account_id, granted AS amount FROM lot
       UNION ALL SELECT account_id, amount FROM hold
       UNION ALL SELECT merged_into, 0 FROM account) o
     JOIN account a ON a.id = o.account_id AND a.merged_into IS NOT NULL`,
  ],
  [
    "a redeemed card became one lot of its owner",
    `SELECT 'cards:' || b.name AS account, b.amount - coalesce(sum(l.granted), 0) AS difference
     FROM card c JOIN card_batch b ON b.id = c.batch_id
     LEFT JOIN lot l ON l.id = c.lot_id AND l.cause = 'card:' || c.id
       AND l.account_id = c.redeemed_by AND l.unit = b.unit AND l.origin = 'cards:' || b.name
     WHERE c.state = 'redeemed' GROUP BY c.id, b.id HAVING coalesce(sum(l.granted), 0) <> b.amount`,
  ],
  [
    "a batch paid for its redeemed cards",
    `SELECT 'cards:' || b.name AS account, coalesce(s.amount, 0) - coalesce(j.amount, 0) AS difference
     FROM card_batch b
     LEFT JOIN (SELECT batch_id, count(*) AS cards FROM card WHERE state = 'redeemed'
       GROUP BY batch_id) c ON c.batch_id = b.id
     CROSS JOIN LATERAL (SELECT coalesce(c.cards, 0) * b.amount AS amount) s
     LEFT JOIN (SELECT from_account, sum(amount) AS amount FROM entry
       WHERE from_account LIKE 'cards:%' AND transfer LIKE 'grant:%' GROUP BY from_account) j
       ON j.from_account = 'cards:' || b.name
     WHERE s.amount <> coalesce(j.amount, 0)`,
  ],
];
