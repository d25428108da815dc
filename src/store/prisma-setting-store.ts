import type { SettingStore } from "../core/admin/runtime-settings.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";

/** Run-time switches in table `setting`. */
export class PrismaSettingStore implements SettingStore {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  async read(key: string): Promise<unknown> {
    const row = await this.#prisma.setting.findUnique({ where: { key } });
    return row?.value ?? null;
  }

  async write(key: string, value: unknown): Promise<void> {
    const json = value as Prisma.InputJsonValue;
    await this.#prisma.setting.upsert({
      where: { key },
      create: { key, value: json },
      update: { value: json, updatedAt: new Date() },
    });
  }
}
