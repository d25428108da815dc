import type { AccountStore } from "./account/account-store.ts";
import type { StopReplies } from "./stop-replies.ts";

/**
 * Takes note of who can be written to. Who closes their private chat to a bot in mid-answer reads no
 * more of it: what is being written there is stopped, and paid for as far as it came.
 */
export class NoteReachable {
  readonly #accounts: AccountStore;
  readonly #stopReplies: StopReplies;

  constructor(accounts: AccountStore, stopReplies: StopReplies) {
    this.#accounts = accounts;
    this.#stopReplies = stopReplies;
  }

  async note(
    platform: string,
    bot: string,
    platformUserId: string,
    isReachable: boolean,
  ): Promise<void> {
    await this.#accounts.setReachable(platform, bot, platformUserId, isReachable);
    if (isReachable) return;
    for (const { id } of await this.#accounts.search(`${platform}:${platformUserId}`)) {
      const identities = await this.#accounts.listIdentities(id);
      for (const { directChannel: channel, ...identity } of identities) {
        const isTheirs = identity.platform === platform && identity.bot === bot;
        if (!isTheirs || channel === null || identity.platformUserId !== platformUserId) continue;
        await this.#stopReplies.stop(id, { address: { platform, bot, channel, thread: null } });
      }
    }
  }
}
