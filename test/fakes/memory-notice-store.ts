import { formatPlatformId } from "../../src/core/admin/admin-access.ts";
import type { Notice, NoticeStore } from "../../src/core/admin/notice-store.ts";
import { type ChatAddress, chatKey } from "../../src/core/chat/chat-address.ts";

type State = "queued" | "sent" | "failed" | "parked";

/** Notices in memory, with what became of each. */
export class MemoryNoticeStore implements NoticeStore {
  readonly #news: { cause: string; text: string; knownIn: string | null }[] = [];
  readonly #notices: (Notice & { readonly cause: string; state: State })[] = [];

  async add(
    notices: readonly {
      readonly address: ChatAddress;
      readonly text: string;
      readonly cause: string;
    }[],
  ): Promise<Notice[]> {
    const added = [];
    for (const notice of notices) {
      if (this.#notices.some(({ cause }) => cause === notice.cause)) continue;
      const kept = { ...notice, id: `n${this.#notices.length + 1}`, state: "queued" as State };
      this.#notices.push(kept);
      added.push(kept);
    }
    return added;
  }

  async addForAdmins(cause: string, text: string, knownIn: ChatAddress | null): Promise<void> {
    if (this.#news.some((news) => news.cause === cause)) return;
    this.#news.push({ cause, text, knownIn: knownIn && chatOf(knownIn) });
  }

  async addToAdminChats(chats: readonly ChatAddress[]): Promise<Notice[]> {
    const notices = this.#news.flatMap(({ cause, text, knownIn }) =>
      chats
        .filter((address) => chatOf(address) !== knownIn)
        .map((address) => ({ address, text, cause: `${cause}:${chatOf(address)}` })),
    );
    return await this.add(notices);
  }

  async findQueued(id: string): Promise<Notice | null> {
    return this.#notices.find((notice) => notice.id === id && notice.state === "queued") ?? null;
  }

  async mark(id: string, state: "sent" | "failed" | "parked"): Promise<void> {
    const notice = this.#notices.find((kept) => kept.id === id);
    if (notice !== undefined) notice.state = state;
  }

  async unpark(address: ChatAddress): Promise<Notice[]> {
    const parked = this.#notices.filter(
      (notice) => notice.state === "parked" && chatKey(notice.address) === chatKey(address),
    );
    for (const notice of parked) notice.state = "queued";
    return parked;
  }

  async listQueued(_ageMs: number, limit: number): Promise<Notice[]> {
    return this.#notices.filter(({ state }) => state === "queued").slice(0, limit);
  }

  get texts(): string[] {
    return this.#notices.map(({ text }) => text);
  }

  /** By channel: what became of the newest notice there. */
  get states(): Record<string, State> {
    return Object.fromEntries(this.#notices.map(({ address, state }) => [address.channel, state]));
  }
}

function chatOf({ platform, channel }: ChatAddress): string {
  return formatPlatformId({ platform, id: channel });
}
