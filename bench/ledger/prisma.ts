import { PrismaPg } from "@prisma/adapter-pg";
import { createId } from "../../src/core/ids.ts";
import { PrismaClient } from "../../src/store/generated/client.ts";
import { type Contender, drive } from "./contender.ts";
import { CHARGED, chooseAccount, HELD, newCause } from "./dianka.ts";

const CALLERS = 16;
const PATIENCE_MS = 30_000;

/**
 * The same rows by Prisma's own means: hold and capture together in one interactive transaction, so
 * one commit where Dianka makes two, and without looking for odd cases.
 */
export function prismaTransaction(url: string): Contender {
  const prisma = new PrismaClient({
    adapter: new PrismaPg({ connectionString: url, max: CALLERS }),
  });
  return {
    name: "Prisma interactive transaction",
    callers: () => CALLERS,
    measure: (load, ms) => drive(CALLERS, ms, () => charge(prisma, chooseAccount(load))),
    [Symbol.asyncDispose]: () => prisma.$disconnect(),
  };
}

async function charge(prisma: PrismaClient, accountId: string): Promise<void> {
  const id = createId(new Date());
  const cause = newCause();
  await prisma.$transaction(
    async (tx) => {
      const now = new Date();
      const [lot] = await tx.lot.findMany({
        where: { accountId, unit: "credit", remaining: { gt: 0 }, validUntil: { gt: now } },
        orderBy: [
          { priority: "asc" },
          { validUntil: "asc" },
          { kind: "asc" },
          { createdAt: "asc" },
          { id: "asc" },
        ],
        select: { id: true },
      });
      if (lot === undefined) throw new Error("the account is empty");
      const taken = await tx.lot.updateMany({
        where: { id: lot.id, remaining: { gte: HELD } },
        data: { remaining: { decrement: HELD } },
      });
      if (taken.count === 0) throw new Error("the account is empty");
      const line = { line: 0, unit: "credit", lotId: lot.id, holdId: id };
      const held = `held:${accountId}`;
      await tx.hold.create({
        data: {
          id,
          accountId,
          unit: "credit",
          model: "gpt-5-mini",
          amount: HELD,
          cause,
          leaseUntil: new Date(now.getTime() + 60_000),
          partLots: [lot.id],
          partAmounts: [HELD],
        },
        select: { id: true },
      });
      await tx.entry.create({
        data: {
          ...line,
          transfer: `hold:${cause}`,
          fromAccount: `user:${accountId}`,
          toAccount: held,
          amount: HELD,
          reason: "hold",
        },
        select: { id: true },
      });

      const captured = await tx.hold.updateMany({
        where: { id, state: "open" },
        data: { state: "captured", captured: CHARGED, due: CHARGED, resolvedAt: new Date() },
      });
      if (captured.count === 0) throw new Error("the hold is not open");
      await tx.lot.updateMany({
        where: { id: lot.id },
        data: { remaining: { increment: HELD - CHARGED } },
      });
      await tx.entry.createMany({
        data: [
          {
            ...line,
            transfer: `capture:${id}`,
            fromAccount: held,
            toAccount: "revenue",
            amount: CHARGED,
            reason: "answer",
          },
          {
            ...line,
            transfer: `return:${id}`,
            fromAccount: held,
            toAccount: `user:${accountId}`,
            amount: HELD - CHARGED,
            reason: "rest",
          },
        ],
      });
    },
    { maxWait: PATIENCE_MS, timeout: PATIENCE_MS },
  );
}
