import type { Notice, NoticeStore } from "../core/admin/notice-store.ts";
import type { ChatAddress } from "../core/chat/chat-address.ts";
import type { Clock } from "../core/clock.ts";
import { createId } from "../core/ids.ts";
import type { PrismaClient } from "./generated/client.ts";
import { storableText } from "./reply-rows.ts";

interface NoticeRow extends ChatAddress {
  readonly id: string;
  readonly text: string;
}

/** Notices in table `notice`. */
export class PrismaNoticeStore implements NoticeStore {
  readonly #prisma: PrismaClient;
  readonly #clock: Clock;

  constructor(prisma: PrismaClient, clock: Clock) {
    this.#prisma = prisma;
    this.#clock = clock;
  }

  async add(
    notices: readonly {
      readonly address: ChatAddress;
      readonly text: string;
      readonly cause: string;
    }[],
  ): Promise<Notice[]> {
    const rows = await this.#prisma.notice.createManyAndReturn({
      data: notices.map(({ address, text, cause }) => ({
        id: createId(this.#clock.now()),
        platform: address.platform,
        bot: address.bot,
        channel: address.channel,
        thread: address.thread,
        text: storableText(text),
        cause,
      })),
      skipDuplicates: true,
    });
    return rows.map(noticeFromRow);
  }

  async findQueued(id: string): Promise<Notice | null> {
    const row = await this.#prisma.notice.findFirst({ where: { id, state: "queued" } });
    return row === null ? null : noticeFromRow(row);
  }

  async mark(id: string, state: "sent" | "failed"): Promise<void> {
    await this.#prisma.notice.update({ where: { id }, data: { state, sentAt: this.#clock.now() } });
  }

  async listQueued(ageMs: number, limit: number): Promise<Notice[]> {
    const rows = await this.#prisma.notice.findMany({
      where: { state: "queued", createdAt: { lt: new Date(this.#clock.now().getTime() - ageMs) } },
      orderBy: { id: "asc" },
      take: limit,
    });
    return rows.map(noticeFromRow);
  }
}

function noticeFromRow({ id, text, platform, bot, channel, thread }: NoticeRow): Notice {
  return { id, text, address: { platform, bot, channel, thread } };
}
