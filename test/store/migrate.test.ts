import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { migrate } from "../../src/store/migrate.ts";
import { PrismaSchemaEngine } from "../fakes/prisma-schema-engine.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";

const FIRST = "20260101000000_people";
const SECOND = "20260102000000_ages";

const folders: string[] = [];
let folder: string;
let database: TestDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dianka-migrations-"));
  folders.push(folder);
  database = await blankDatabase();
  await write(FIRST, "CREATE TABLE person (name text);\nINSERT INTO person VALUES ('Ada');\n");
});

afterAll(async () => {
  for (const each of folders) await rm(each, { recursive: true });
});

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, "migration.sql"), sql);
}

async function rows(text: string): Promise<unknown[]> {
  return (await database.pool.query(text)).rows;
}

describe("migrate", () => {
  it("applies what is missing in the order of the names, and nothing twice", async () => {
    // The file system need not list them in order.
    await write(SECOND, "ALTER TABLE person ADD COLUMN age int DEFAULT 36;");
    expect(await migrate(database.url, folder)).toEqual([FIRST, SECOND]);
    expect(await migrate(database.url, folder)).toEqual([]);
    expect(await rows("SELECT * FROM person")).toEqual([{ name: "Ada", age: 36 }]);
  });

  it("applies a migration that comes later", async () => {
    await migrate(database.url, folder);
    await write(SECOND, "INSERT INTO person VALUES ('Grace');");
    expect(await migrate(database.url, folder)).toEqual([SECOND]);
    expect(await rows("SELECT count(*)::int AS count FROM person")).toEqual([{ count: 2 }]);
  });

  it("undoes the whole of a migration that fails, says why, and continues there once it is mended", async () => {
    await write(SECOND, "INSERT INTO person VALUES ('Grace'); SELECT no_such_function();");
    await expect(migrate(database.url, folder)).rejects.toThrow(
      `The migration ${SECOND} failed and was undone: function no_such_function() does not exist.`,
    );
    expect(await rows("SELECT name FROM person")).toEqual([{ name: "Ada" }]);
    await write(SECOND, "INSERT INTO person VALUES ('Grace');");
    expect(await migrate(database.url, folder)).toEqual([SECOND]);
  });

  it("refuses a database whose migration was changed after it was applied", async () => {
    await migrate(database.url, folder);
    await write(FIRST, "CREATE TABLE person (name text);\n");
    await expect(migrate(database.url, folder)).rejects.toThrow(
      `The migration ${FIRST} was changed after it was applied to this database: restore its file, and put the change into a migration of its own.`,
    );
  });

  it("refuses a database in which another program left a migration unfinished", async () => {
    await migrate(database.url, folder);
    await rows("UPDATE _prisma_migrations SET finished_at = NULL");
    await expect(migrate(database.url, folder)).rejects.toThrow(
      `The migration ${FIRST} was begun by another program`,
    );
  });

  it("applies again what was marked as rolled back", async () => {
    await migrate(database.url, folder);
    await rows("DROP TABLE person");
    await rows("UPDATE _prisma_migrations SET rolled_back_at = now()");
    expect(await migrate(database.url, folder)).toEqual([FIRST]);
  });

  it("leaves a database alone that a newer version has migrated", async () => {
    await write(SECOND, "ALTER TABLE person ADD COLUMN age int;");
    await migrate(database.url, folder);
    await rm(join(folder, SECOND), { recursive: true });
    expect(await migrate(database.url, folder)).toEqual([]);
  });

  it("does nothing, and makes nothing, without migrations", async () => {
    await rm(join(folder, FIRST), { recursive: true });
    expect(await migrate(database.url, folder)).toEqual([]);
    expect(await rows("SELECT to_regclass('_prisma_migrations') AS history")).toEqual([
      { history: null },
    ]);
  });

  it("is agreed with by Prisma's own migrate deploy, in both directions", async () => {
    const schema = 'datasource db {\n provider = "postgresql"\n}';
    const sql = await readFile(join(folder, FIRST, "migration.sql"), "utf8");
    const second = "ALTER TABLE person ADD COLUMN age int;";
    await migrate(database.url, folder);
    {
      await using prisma = await PrismaSchemaEngine.open(database.url, schema);
      expect(await prisma.applyMigrations(folder, { [FIRST]: sql })).toEqual([]);
      expect(await prisma.applyMigrations(folder, { [FIRST]: sql, [SECOND]: second })).toEqual([
        SECOND,
      ]);
    }
    await write(SECOND, second);
    expect(await migrate(database.url, folder)).toEqual([]);
    const history = await rows(
      `SELECT migration_name, length(id) AS id, finished_at >= started_at AS finished, rolled_back_at, applied_steps_count
      FROM _prisma_migrations ORDER BY migration_name`,
    );
    const entry = { id: 36, finished: true, rolled_back_at: null, applied_steps_count: 1 };
    expect(history).toEqual([
      { migration_name: FIRST, ...entry },
      { migration_name: SECOND, ...entry },
    ]);
  });

  it("lets one of several processes apply while the others wait", async () => {
    await write(SECOND, "SELECT pg_sleep(0.3); INSERT INTO person VALUES ('Grace');");
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => migrate(database.url, folder)),
    );
    expect(outcomes.flat().sort()).toEqual([FIRST, SECOND]);
    expect(await rows("SELECT name FROM person ORDER BY name")).toEqual([
      { name: "Ada" },
      { name: "Grace" },
    ]);
    expect(await rows("SELECT count(*)::int AS count FROM _prisma_migrations")).toEqual([
      { count: 2 },
    ]);
  });
});
