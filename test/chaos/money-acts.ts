import { createCardPepper } from "../../src/core/cards/card-code.ts";
import { createBatch } from "../../src/core/cards/create-batch.ts";
import { PgCardStore } from "../../src/store/pg-card-store.ts";
import { readSecretKey } from "../../src/store/secret-key.ts";
import { SECRET_KEY, type Stage } from "./stage.ts";
import { waitFor } from "./wait-for.ts";

const ADMIN = 900;
const FIRST_MS = 30_000;
const NOTED_DOWN = /INSERT INTO .*"audit"/;
const MESSAGE_DONE = /UPDATE inbound SET handled_at/;

/** What makes the admin's private chat an admin chat. */
export const ADMIN_ENVIRONMENT = {
  ADMIN_CHATS: `telegram:${ADMIN}`,
  ADMIN_USERS: `telegram:${ADMIN}`,
};

/** Something that moves money, the statements on its way, and what must have come of it. */
export interface MoneyAct {
  readonly statements: Readonly<Record<string, RegExp>>;
  /** Makes everything ready, for which nothing is stopped; calling what it returns does it. */
  prepare(stage: Stage, person: number): Promise<() => void>;
  /** After so many times, each of them cut off somewhere. */
  check(stage: Stage, times: number): Promise<string[]>;
}

/** From the message to its answer. */
const QUESTION: MoneyAct = {
  statements: {
    "message saved": /INSERT INTO inbound/,
    "person identified": /identify_person/,
    "reply opened, hold placed": /open_reply/,
    "reply released": /release_replies/,
    "job added": /add_job/,
    "message done": MESSAGE_DONE,
    "reply started": /start_reply/,
    "placeholder saved": /INSERT INTO reply_message/,
    "reply finished, hold captured": /finish_reply/,
    "reply delivered": /UPDATE reply SET delivered_at/,
  },
  prepare: async (stage, person) => () => void stage.ask(person, { tokens: 8, tokenMs: 10 }),
  // The invariants look at every question.
  check: async () => [],
};

/** A card from the hands of whoever sells it. */
const REDEEM: MoneyAct = {
  statements: {
    "card: account locked": /SELECT lock_account\(id\)/,
    "card: redeemed": /redeem_card/,
    "card: committed": /^COMMIT/,
    "card: message done": MESSAGE_DONE,
  },
  async prepare(stage, person) {
    const code = await printCard(stage);
    return () => writes(stage, person, `/redeem ${code}`);
  },
  check: (stage, times) =>
    mustBe(stage, times, {
      "cards credited": "lot WHERE cause LIKE 'card:%'",
      "cards used up": "card WHERE state = 'redeemed'",
    }),
};

/** A gift of an admin. */
const GRANT: MoneyAct = {
  statements: {
    "grant: booked": /grant_lot\(/,
    "grant: noted down": NOTED_DOWN,
    "grant: person to be told": /INSERT INTO notice/,
    "grant: message done": MESSAGE_DONE,
  },
  async prepare(stage, person) {
    // A bot may not be the first to write.
    writes(stage, person, "/balance");
    await waitFor("the first answer", () => stage.botMessages(person).length > 0, FIRST_MS);
    return () => writes(stage, ADMIN, `/grant telegram:${person} 2 30 sorry`);
  },
  check: (stage, times) =>
    mustBe(stage, times, {
      "gifts booked": "lot WHERE cause LIKE 'grant:%'",
      "gifts noted down": "audit WHERE action = 'grant'",
      "people told of a gift": "notice WHERE cause LIKE 'grant:%' AND state = 'sent'",
    }),
};

/** An admin takes a gift back. */
const UNDO: MoneyAct = {
  statements: { "undo: booked": /undo_grant/, "undo: noted down": NOTED_DOWN },
  async prepare(stage, person) {
    const { rows } = await stage.pool.query<{ id: bigint }>(
      "SELECT e.id FROM entry e JOIN lot l ON l.id = e.lot_id WHERE l.account_id = $1 AND e.transfer LIKE 'grant:%'",
      [stage.accountOf(person)],
    );
    return () => writes(stage, ADMIN, `/undo ${rows[0]?.id}`);
  },
  check: (stage, times) =>
    mustBe(stage, times, {
      "gifts taken back": "entry WHERE transfer LIKE 'undo:%'",
      "gifts noted down as taken back": "audit WHERE action = 'undo'",
    }),
};

/** An admin makes cards: their codes are in one file, and nowhere else. */
const CARDS: MoneyAct = {
  statements: {
    "batch: made": /INSERT INTO card_batch/,
    "batch: committed": /^COMMIT/,
    "batch: noted down": NOTED_DOWN,
    "batch: message done": MESSAGE_DONE,
  },
  prepare: async (stage, person) => () => writes(stage, ADMIN, `/cards new B${person} 2 1 30`),
  async check(stage, times) {
    const shown = stage.botMessages(ADMIN);
    const { rows } = await stage.pool.query<{ name: string }>(
      "SELECT name FROM card_batch WHERE name LIKE 'B%'",
    );
    const unheard = rows.filter(({ name }) => {
      const hasFile = shown.some(({ document }) => document?.name === `${name}.txt`);
      return !hasFile && !shown.some(({ text }) => text.includes(`/cards void ${name}`));
    });
    return [
      ...unheard.map(({ name }) => `batch ${name}: neither its file nor a word about it came`),
      ...(await mustBe(stage, times, {
        "batches made": "card_batch WHERE name LIKE 'B%'",
        "batches noted down": "audit WHERE action = 'cards new'",
      })),
    ];
  },
};

/** Two people become one wallet. */
const LINK: MoneyAct = {
  statements: {
    "link: tried": /count_link_try/,
    "link: joined": /link_accounts\(/,
    "link: other chat to be told": /INSERT INTO notice/,
    "link: message done": MESSAGE_DONE,
  },
  async prepare(stage, person) {
    const [other = 0] = await stage.addPeople(1);
    writes(stage, other, "/link");
    const code = await waitFor(
      "a code for the other chat",
      () => /\/link (\w{4}-\w{4})/.exec(stage.botMessages(other).at(-1)?.text ?? "")?.[1],
      FIRST_MS,
    );
    return () => writes(stage, person, `/link ${code}`);
  },
  check: (stage, times) =>
    mustBe(stage, times, {
      "accounts joined": "account WHERE merged_into IS NOT NULL",
      "other chats told": "notice WHERE cause LIKE 'link:%' AND state = 'sent'",
    }),
};

export const MONEY_ACTS = [QUESTION, REDEEM, GRANT, UNDO, CARDS, LINK] as const;

function writes(stage: Stage, person: number, text: string): void {
  // The answer is a message more than questions have.
  stage.gone.add(person);
  stage.telegram.user(person).writes(text);
}

async function mustBe(
  { pool }: Stage,
  times: number,
  counts: Readonly<Record<string, string>>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const [what, from] of Object.entries(counts)) {
    const { rows } = await pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${from}`,
    );
    if (rows[0]?.count !== times) problems.push(`${times} times: ${rows[0]?.count} ${what}`);
  }
  return problems;
}

/** A batch of one card. */
async function printCard({ pool, options, people }: Stage): Promise<string> {
  const secretKey = await readSecretKey(SECRET_KEY, options.machine.folder);
  const order = {
    name: `CARD${people.at(-1)}`,
    count: 1,
    unit: "credit" as const,
    amount: 1_000_000n,
    validDays: 30,
    redeemUntil: null,
    renewal: null,
    modelScope: null,
    perAccountMax: null,
    createdBy: "chaos",
  };
  const pepper = createCardPepper(1, secretKey.derive("cards"));
  return (await createBatch(new PgCardStore(pool), pepper, order, new Date())).fileText.trim();
}
