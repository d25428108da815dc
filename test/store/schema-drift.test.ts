import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { describe, expect, it } from "vitest";
import { PrismaSchemaEngine } from "../fakes/prisma-schema-engine.ts";
import { blankDatabase, emptyDatabase } from "../fakes/test-database.ts";

const SCHEMA_FILE = fileURLToPath(new URL("../../prisma/schema.prisma", import.meta.url));

/** What Prisma cannot say is only in the migrations: checks, triggers, functions, partial indexes, unlogged tables. */
const COLUMNS = `SELECT relname AS "table", attname AS name, format_type(atttypid, atttypmod) AS type,
    attnotnull AS required, pg_get_expr(adbin, adrelid) AS "default", relpersistence = 'u' AS unlogged
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
  ORDER BY relname, attname`;
const INDEXES = `SELECT indrelid::regclass::text AS "table", pg_get_indexdef(indexrelid) AS definition
  FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
  WHERE relnamespace = 'public'::regnamespace AND indpred IS NULL AND indexprs IS NULL
  ORDER BY definition`;
const CONSTRAINTS = `SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')
  ORDER BY conrelid::regclass::text, conname`;
const ENUMS = `SELECT enumtypid::regtype::text AS "table", enumlabel AS label FROM pg_enum ORDER BY enumtypid::regtype::text, enumsortorder`;

interface CatalogRow {
  readonly table: string;
  readonly unlogged?: boolean;
}

/** Everything Prisma knows about the tables that `isKnown` lets through. */
async function describeTables(
  pool: pg.Pool,
  isKnown: (row: CatalogRow) => boolean,
): Promise<unknown> {
  const read = async (text: string) => (await pool.query<CatalogRow>(text)).rows.filter(isKnown);
  return {
    columns: (await read(COLUMNS)).map(({ unlogged, ...column }) => column),
    indexes: await read(INDEXES),
    constraints: await read(CONSTRAINTS),
    enums: await read(ENUMS),
  };
}

describe("prisma/migrations", () => {
  it("give exactly what prisma/schema.prisma says", async () => {
    const schema = await readFile(SCHEMA_FILE, "utf8");
    await using migrated = await emptyDatabase();
    await using declared = await blankDatabase();
    await using engine = await PrismaSchemaEngine.open(declared.url, schema);
    await declared.pool.query(await engine.scriptFor(schema));

    const { rows } = await declared.pool.query<CatalogRow>(COLUMNS);
    const modelled = new Set(rows.map((row) => row.table));
    const { rows: migratedColumns } = await migrated.pool.query<CatalogRow>(COLUMNS);
    const outside = migratedColumns.filter((row) => row.unlogged && !modelled.has(row.table));
    const ignored = new Set(["_prisma_migrations", ...outside.map((row) => row.table)]);

    const expected = await describeTables(declared.pool, () => true);
    expect(await describeTables(migrated.pool, (row) => !ignored.has(row.table))).toEqual(expected);
    expect(modelled.size).toBeGreaterThan(10);
  });
});
