import { randomBytes } from "node:crypto";
import pg from "pg";
import { createCardPepper } from "../../src/core/cards/card-code.ts";
import { createBatch } from "../../src/core/cards/create-batch.ts";
import { createId } from "../../src/core/ids.ts";
import { PgAccountStore } from "../../src/store/pg-account-store.ts";
import { PgCardStore } from "../../src/store/pg-card-store.ts";
import { PgConversationStore } from "../../src/store/pg-conversation-store.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { systemClock } from "../../src/system-clock.ts";
import { median } from "./quantiles.ts";

const SMALL = 1_000;
const LARGE = 1_000_000;
const ROUNDS = 9;
const CALLS_PER_ROUND = 40;
const pepper = createCardPepper(1, randomBytes(32));

const OPERATIONS = ["redeem", "balance", "history"] as const;
export type GrowthTimes = Record<(typeof OPERATIONS)[number], { smallMs: number; largeMs: number }>;

/** How long redeeming, the balance and the history take with so many cards and turns beside them. */
export async function measureGrowth(databaseUrl: string, migrate: (url: string) => Promise<void>) {
  const shops = [];
  for (const size of [SMALL, LARGE]) shops.push(await Shop.open(databaseUrl, migrate, size));
  const times = shops.map(() => ({ redeem: [], balance: [], history: [] }) as Times);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, shop] of shops.entries()) {
      for (const operation of OPERATIONS)
        times[index]?.[operation].push(await shop.time(operation));
    }
  }
  for (const shop of shops) await shop.close();
  const of = (operation: keyof Times) => ({
    smallMs: median(times[0]?.[operation] ?? []),
    largeMs: median(times[1]?.[operation] ?? []),
  });
  const result: GrowthTimes = {
    redeem: of("redeem"),
    balance: of("balance"),
    history: of("history"),
  };
  return result;
}

type Times = Record<(typeof OPERATIONS)[number], number[]>;

/** One database with `size` cards, as many turns, and a customer for every hundred of them. */
class Shop {
  readonly #pool: pg.Pool;
  readonly #codes: Buffer[];
  readonly #customer: string;
  #next = 0;

  private constructor(pool: pg.Pool, codes: Buffer[], customer: string) {
    this.#pool = pool;
    this.#codes = codes;
    this.#customer = customer;
  }

  static async open(
    serverUrl: string,
    migrate: (url: string) => Promise<void>,
    size: number,
  ): Promise<Shop> {
    const url = new URL(serverUrl);
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    await client.query(`CREATE DATABASE growth_${size}`);
    await client.end();
    url.pathname = `growth_${size}`;
    await migrate(url.href);
    const pool = createPgPool(url.href, { max: 4, applicationName: "bench growth" });
    await fill(pool, size);
    const accounts = new PgAccountStore(pool);
    const { account } = await accounts.identify({
      platform: "bench",
      bot: "1",
      sender: { platformUserId: "1", displayName: "B", username: null, locale: null },
      directChannel: "1",
    });
    await addHistory(pool, account.id);
    const batch = await createBatch(
      new PgCardStore(pool),
      pepper,
      {
        name: "OWN",
        count: ROUNDS * CALLS_PER_ROUND,
        unit: "credit",
        amount: 1_000n,
        validDays: 30,
        redeemUntil: null,
        renewal: "separate",
        modelScope: null,
        perAccountMax: null,
        createdBy: "bench",
      },
      new Date(),
    );
    const codes = batch.fileText.trim().split("\n");
    await pool.query("VACUUM ANALYZE");
    return new Shop(
      pool,
      codes.map((code) => Buffer.from(pepper.hmac(code))),
      account.id,
    );
  }

  /** Mean milliseconds a call. */
  async time(operation: (typeof OPERATIONS)[number]): Promise<number> {
    const run = this.#runOf(operation);
    const fromMs = performance.now();
    for (let call = 0; call < CALLS_PER_ROUND; call += 1) await run();
    return (performance.now() - fromMs) / CALLS_PER_ROUND;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #runOf(operation: (typeof OPERATIONS)[number]): () => Promise<unknown> {
    const cards = new PgCardStore(this.#pool);
    const ledger = new PgLedger(this.#pool);
    const conversations = new PgConversationStore(this.#pool, systemClock);
    // The lots a customer gathers are its own; a card goes to a new one each time.
    if (operation === "redeem") {
      return async () => {
        const code = this.#codes[this.#next];
        this.#next += 1;
        if (code === undefined) throw new Error("too few cards");
        const accountId = `redeemer-${this.#next}`;
        await this.#pool.query("INSERT INTO account (id) VALUES ($1)", [accountId]);
        const { outcome } = await cards.redeem({ accountId, identityKey: accountId }, [code]);
        if (outcome.status !== "redeemed") throw new Error(`redeem: ${outcome.status}`);
      };
    }
    if (operation === "balance") return () => ledger.balance(this.#customer);
    const owner = { key: "bench:1", accountId: this.#customer };
    return () => conversations.list(owner, 10);
  }
}

/** Customers with a lot and a hundred turns each, and cards nobody has redeemed. */
async function fill(pool: pg.Pool, size: number): Promise<void> {
  const people = size / 100;
  await pool.query("INSERT INTO account (id) SELECT 'other-' || n FROM generate_series(1, $1) n", [
    people,
  ]);
  await pool.query(
    `INSERT INTO lot (id, account_id, unit, kind, granted, remaining, valid_until, origin, cause)
     SELECT gen_random_uuid(), 'other-' || n, 'message', 1, 10, 10, 'infinity', 'promotions', 'fill:' || n
     FROM generate_series(1, $1) n`,
    [people],
  );
  await pool.query(
    `INSERT INTO conversation (id, account_id, title)
     SELECT gen_random_uuid(), 'other-' || n, 'About ' || n FROM generate_series(1, $1) n`,
    [people],
  );
  await pool.query(
    `INSERT INTO turn (conversation_id, author, account_id, text)
     SELECT c.id, CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, c.account_id, 'Some words ' || n
     FROM conversation c, generate_series(1, 100) n`,
  );
  const batch = createId(new Date());
  for (let from = 1; from <= size; from += 20_000) {
    const count = Math.min(20_000, size - from + 1);
    const id = from === 1 ? batch : createId(new Date());
    await pool.query(
      `INSERT INTO card_batch (id, name, prefix, unit, amount, valid_days, renewal, count, created_by)
       VALUES ($1, $2, 'BENC', 'credit', 1000, 30, 'separate', $3, 'bench')`,
      [id, `FILL-${from}`, count],
    );
    await pool.query(
      `INSERT INTO card (id, batch_id, serial, code_hmac, pepper_version, last4)
       SELECT gen_random_uuid(), $1::uuid, n, sha256(($1::uuid::text || n)::bytea), 1, 'XXXX'
       FROM generate_series(1, $2) n`,
      [id, count],
    );
  }
}

/** Twelve conversations of two turns. */
async function addHistory(pool: pg.Pool, accountId: string): Promise<void> {
  await pool.query(
    `INSERT INTO conversation (id, account_id, title)
     SELECT gen_random_uuid(), $1, 'Mine ' || n FROM generate_series(1, 12) n`,
    [accountId],
  );
  await pool.query(
    `INSERT INTO turn (conversation_id, author, account_id, text)
     SELECT c.id, side.author, $1, 'Some words'
     FROM conversation c, unnest(ARRAY['user', 'assistant']) AS side (author) WHERE c.account_id = $1`,
    [accountId],
  );
}
