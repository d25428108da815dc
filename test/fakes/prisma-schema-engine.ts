import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import { type MigrationList, SchemaEngine } from "@prisma/schema-engine-wasm";
import pg from "pg";
import { vi } from "vitest";

const NO_FILTERS = { externalTables: [], externalEnums: [] };

/**
 * Prisma's own view of a database: the engine of its command line, from a package instead of a
 * download. */
export class PrismaSchemaEngine implements AsyncDisposable {
  readonly #engine: SchemaEngine;
  readonly #pool: pg.Pool;

  private constructor(engine: SchemaEngine, pool: pg.Pool) {
    this.#engine = engine;
    this.#pool = pool;
  }

  static async open(url: string, schema: string): Promise<PrismaSchemaEngine> {
    // A pool of ours, because the engine never closes the one that the adapter would make.
    const pool = new pg.Pool({ connectionString: url });
    const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool));
    const options = { datamodels: [["schema.prisma", schema]] satisfies [string, string][] };
    const engine = await SchemaEngine.new(options, () => {}, adapter);
    return new PrismaSchemaEngine(engine, pool);
  }

  /** The SQL that makes, in an empty database, what `schema` says. */
  async scriptFor(schema: string): Promise<string> {
    const { stdout } = await this.#engine.diff({
      from: { tag: "empty" },
      to: { tag: "schemaDatamodel", files: [{ path: "schema.prisma", content: schema }] },
      script: true,
      exitCode: null,
      filters: NO_FILTERS,
    });
    return stdout ?? "";
  }

  /** What `prisma migrate deploy` does; gives the names that it applied. */
  async applyMigrations(
    folder: string,
    migrations: Readonly<Record<string, string>>,
  ): Promise<string[]> {
    const migrationsList: MigrationList = {
      baseDir: folder,
      lockfile: { path: "migration_lock.toml", content: 'provider = "postgresql"' },
      shadowDbInitScript: "",
      migrationDirectories: Object.entries(migrations).map(([path, sql]) => ({
        path,
        migrationFile: { path: "migration.sql", content: { tag: "ok", value: sql } },
      })),
    };
    // The engine limits its wait for the lock with a timer that it never clears.
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const input = { migrationsList, filters: NO_FILTERS };
      return (await this.#engine.applyMigrations(input)).appliedMigrationNames;
    } finally {
      vi.useRealTimers();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#engine.free();
    await this.#pool.end();
  }
}
