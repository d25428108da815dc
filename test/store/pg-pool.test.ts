import pg from "pg";
import { describe, expect, it } from "vitest";
import { createPgPool, preparedQuery } from "../../src/store/pg-pool.ts";
import { emptyDatabase } from "../fakes/test-database.ts";

describe("createPgPool", () => {
  it("gives 64-bit integers as bigint, alone and in lists, and leaves other pools as they are", async () => {
    await using database = await emptyDatabase();
    const text =
      "SELECT 9007199254740993::bigint AS one, ARRAY[1, NULL]::bigint[] AS list, '{}'::bigint[] AS none, 7 AS small";
    const ours = createPgPool(database.url, { max: 1, applicationName: "ours" });
    const other = new pg.Pool({ connectionString: database.url });
    try {
      expect((await ours.query(text)).rows).toEqual([
        { one: 9007199254740993n, list: [1n, null], none: [], small: 7 },
      ]);
      expect((await other.query(text)).rows).toEqual([
        { one: "9007199254740993", list: ["1", null], none: [], small: 7 },
      ]);
    } finally {
      await ours.end();
      await other.end();
    }
  });

  it.each([
    ["patient", { statement: "30s", lock: "25s", idle: "1min" }],
    ["hurried", { statement: "2s", lock: "1500ms", idle: "10s" }],
  ] as const)(
    "says who it is, and lets nothing wait or run for ever (%s)",
    async (patience, limits) => {
      await using database = await emptyDatabase();
      const pool = createPgPool(database.url, { max: 1, applicationName: "dianka", patience });
      const settings = await pool.query(
        `SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS statement,
        current_setting('lock_timeout') AS lock,
        current_setting('idle_in_transaction_session_timeout') AS idle`,
      );
      await pool.end();
      expect(settings.rows).toEqual([{ name: "dianka", ...limits }]);
    },
  );

  it("survives that the database cuts its idle connections, and connects anew", async () => {
    await using database = await emptyDatabase();
    const pool = createPgPool(database.url, { max: 1, applicationName: "cut" });
    const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const isCut = new Promise((resolve) => pool.once("remove", resolve));
    await database.pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await isCut;
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });
});

describe("preparedQuery", () => {
  it("names equal texts alike and different texts differently", () => {
    const one = preparedQuery("SELECT $1::int AS n", [1]);
    expect(preparedQuery("SELECT $1::int AS n", [2]).name).toBe(one.name);
    expect(preparedQuery("SELECT $1::int  AS n", [1]).name).not.toBe(one.name);
    // PostgreSQL cuts names at 63 bytes.
    expect(one.name.length).toBeLessThan(64);
  });

  it("is parsed once by each connection", async () => {
    await using database = await emptyDatabase();
    const client = await database.pool.connect();
    try {
      for (const n of [1, 2, 3]) {
        expect((await client.query(preparedQuery("SELECT $1::int AS n", [n]))).rows).toEqual([
          { n },
        ]);
      }
      const { rows } = await client.query(
        "SELECT count(*)::int AS count FROM pg_prepared_statements",
      );
      expect(rows).toEqual([{ count: 1 }]);
    } finally {
      client.release();
    }
  });

  it("goes on when a newer version adds a column to its table, again and again", async () => {
    await using database = await emptyDatabase();
    const { pool } = database;
    await pool.query("CREATE TABLE thing (id int)");
    await pool.query("INSERT INTO thing VALUES (1)");
    const read = async () => (await pool.query(preparedQuery("SELECT * FROM thing", []))).rows[0];
    const readAll = () => Promise.all(Array.from({ length: 8 }, read));
    await readAll();
    for (const column of ["one", "two", "three"]) {
      await pool.query(`ALTER TABLE thing ADD COLUMN ${column} int DEFAULT 7`);
      for (const row of [...(await readAll()), ...(await readAll())]) {
        expect(row).toHaveProperty(column, 7);
      }
    }
  });

  it("still throws what is wrong with the query itself", async () => {
    await using database = await emptyDatabase();
    const wrong = database.pool.query(preparedQuery("SELECT * FROM nothing_there", []));
    await expect(wrong).rejects.toMatchObject({ code: "42P01" });
  });
});
