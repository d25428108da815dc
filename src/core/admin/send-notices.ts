import type { Identity } from "../account/account.ts";
import type { AccountStore } from "../account/account-store.ts";
import type { ChatAddress } from "../chat/chat-address.ts";
import type { Logger } from "../log.ts";
import type { BotKey, ReplyQueue } from "../reply-queue.ts";
import type { Notice, NoticeStore } from "./notice-store.ts";

const PAGE = 500;
/** Notices are enqueued at once; what waits longer was lost on the way. */
const QUEUED_AGE_MS = 10_000;

/** Sends messages of our own: durable, once per cause, each by the gateway that owns its bot. */
export class SendNotices {
  readonly #accounts: Pick<AccountStore, "listIdentities" | "listReachable">;
  readonly #store: NoticeStore;
  readonly #queue: ReplyQueue;
  readonly #adminChats: () => readonly ChatAddress[];
  readonly #log: Logger;

  constructor(
    accounts: Pick<AccountStore, "listIdentities" | "listReachable">,
    store: NoticeStore,
    queue: ReplyQueue,
    adminChats: () => readonly ChatAddress[],
    log: Logger,
  ) {
    this.#accounts = accounts;
    this.#store = store;
    this.#queue = queue;
    this.#adminChats = adminChats;
    this.#log = log;
  }

  /** To one private chat of the person; nothing when they have none. */
  async toAccount(accountId: string, cause: string, { text }: { text: string }): Promise<void> {
    const identities = await this.#accounts.listIdentities(accountId);
    const identity = identities.find((candidate) => candidate.directChannel !== null);
    if (identity === undefined || identity.directChannel === null) return;
    const { platform, bot, directChannel } = identity;
    await this.#add([
      { address: { platform, bot, channel: directChannel, thread: null }, text, cause },
    ]);
  }

  /** To the private chat of each of them that has one. */
  async toIdentities(identities: readonly Identity[], cause: string, text: string): Promise<void> {
    await this.#add(
      identities.flatMap(({ id, platform, bot, directChannel: channel }) =>
        channel === null
          ? []
          : [{ address: { platform, bot, channel, thread: null }, text, cause: `${cause}:${id}` }],
      ),
    );
  }

  /**
   * To every admin chat but the one that knows already. Any process may say it, also one without
   * chats: those of other processes are told by them, with their next `sweep`.
   */
  async toAdmins(cause: string, text: string, knownIn: ChatAddress | null = null): Promise<void> {
    await this.#store.addForAdmins(cause, text, knownIn);
    await this.#tellAdmins();
  }

  /** To everyone who can be reached over these bots. Returns how many. */
  async toEveryone(bots: readonly BotKey[], cause: string, text: string): Promise<number> {
    let count = 0;
    let after = 0n;
    for (;;) {
      const identities = await this.#accounts.listReachable(bots, after, PAGE);
      const last = identities.at(-1);
      if (last === undefined) return count;
      after = last.id;
      await this.#add(
        identities.flatMap(({ platform, bot, directChannel, accountId }) =>
          directChannel === null
            ? []
            : [
                {
                  address: { platform, bot, channel: directChannel, thread: null },
                  text,
                  cause: `${cause}:${accountId}`,
                },
              ],
        ),
      );
      count += identities.length;
    }
  }

  /** Takes up news for the admin chats of this process, and adds what the queue lost. */
  async sweep(): Promise<void> {
    await this.#tellAdmins();
    for (const notice of await this.#store.listQueued(QUEUED_AGE_MS, PAGE)) {
      await this.#queue.addDelivery(notice.address, { kind: "notice", id: notice.id });
    }
  }

  async #tellAdmins(): Promise<void> {
    await this.#enqueue(await this.#store.addToAdminChats(this.#adminChats()));
  }

  async #add(notices: Parameters<NoticeStore["add"]>[0]): Promise<void> {
    await this.#enqueue(await this.#store.add(notices));
  }

  async #enqueue(notices: readonly Notice[]): Promise<void> {
    for (const notice of notices) {
      try {
        await this.#queue.addDelivery(notice.address, { kind: "notice", id: notice.id });
      } catch (error) {
        this.#log.warn({ err: error, noticeId: notice.id }, "notice is left to the sweeper");
      }
    }
  }
}
