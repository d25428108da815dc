import type { AuditEntry, AuditLog, AuditRecord } from "../core/admin/audit-log.ts";
import type { Prisma } from "./generated/client.ts";
import type { LazyPrisma } from "./prisma-client.ts";

/** The audit log in table `audit`. */
export class PrismaAuditLog implements AuditLog {
  readonly #prisma: LazyPrisma;

  constructor(prisma: LazyPrisma) {
    this.#prisma = prisma;
  }

  async write({ before, after, ...record }: AuditRecord): Promise<boolean> {
    const prisma = await this.#prisma.client();
    const { count } = await prisma.audit.createMany({
      data: { ...record, ...jsonField("before", before), ...jsonField("after", after) },
      skipDuplicates: true,
    });
    return count === 1;
  }

  async listAbout(target: string, limit: number): Promise<AuditEntry[]> {
    const prisma = await this.#prisma.client();
    const rows = await prisma.audit.findMany({
      where: { target },
      orderBy: { id: "desc" },
      take: limit,
    });
    return rows.map(({ cause, actor, action, reason, before, after, createdAt }) => ({
      cause,
      actor,
      action,
      target,
      reason,
      before,
      after,
      at: createdAt,
    }));
  }
}

/** Left out when there is nothing to keep: Prisma tells SQL's null from JSON's. */
function jsonField<Name extends string>(
  name: Name,
  value: unknown,
): Partial<Record<Name, Prisma.InputJsonValue>> {
  if (value === null || value === undefined) return {};
  return { [name]: value as Prisma.InputJsonValue } as Record<Name, Prisma.InputJsonValue>;
}
