import { defineConfig } from "prisma/config";

// `prisma generate` wants the path of its schema engine, which it would download, and never runs it:
// any executable will do, so the generator also works where only a package registry can be reached.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

const databaseUrl = process.env.DATABASE_URL;

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  // Only the Prisma command line reads it, e.g. `prisma migrate deploy`; the program has a config of its own.
  ...(databaseUrl && { datasource: { url: databaseUrl } }),
});
