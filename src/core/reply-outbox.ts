/**
 * What still has to happen, read from the rows of the replies themselves: however the queue lost
 * it, the sweepers find it here.
 */
export interface ReplyOutbox {
  /** Accounts with replies that may run but are not released. */
  listReleasable(runningMax: number, limit: number): Promise<string[]>;
  /** Replies released whose worker has not been heard of for `silentMs`. */
  listOrphans(silentMs: number, limit: number): Promise<string[]>;
  /** Replies that ended at least `ageMs` ago and are not delivered. */
  listUndelivered(
    ageMs: number,
    limit: number,
  ): Promise<{ id: string; platform: string; bot: string }[]>;
}
