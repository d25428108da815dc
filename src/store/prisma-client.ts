import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.ts";

/** Prisma, for what is not on a hot or a money path: settings, the audit log, notices. */
export function createPrismaClient(databaseUrl: string): PrismaClient {
  return new PrismaClient({
    adapter: new PrismaPg({ connectionString: databaseUrl, max: CONNECTIONS_MAX }),
  });
}

const CONNECTIONS_MAX = 3;
