import type { PrismaClient } from "./generated/client.ts";

const CONNECTIONS_MAX = 3;

/**
 * Prisma, for what is neither on a hot nor on a money path. It costs some eighty megabytes, so it is
 * loaded when it is first asked for: a program that nobody administers runs without it.
 */
export class LazyPrisma {
  readonly #databaseUrl: string;
  #loading: Promise<PrismaClient> | null = null;

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  client(): Promise<PrismaClient> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async stop(): Promise<void> {
    await (await this.#loading)?.$disconnect();
  }

  async #load(): Promise<PrismaClient> {
    const [{ PrismaPg }, { PrismaClient: Client }] = await Promise.all([
      import("@prisma/adapter-pg"),
      import("./generated/client.ts"),
    ]);
    const adapter = new PrismaPg({ connectionString: this.#databaseUrl, max: CONNECTIONS_MAX });
    return new Client({ adapter });
  }
}
