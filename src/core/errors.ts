/**
 * Every failure the program expects. Anything else that is thrown is a bug.
 *
 * - `UserError`: the person can act on it. They are told; nothing is retried.
 * - `OutsideError`: a platform, upstream or payment provider failed us. It may be retried.
 */
export type UserErrorCode =
  | "account_banned"
  | "insufficient_credit"
  | "rate_limited"
  | "message_too_long"
  | "message_empty"
  | "image_not_supported"
  | "attachment_not_supported"
  | "attachment_too_large"
  | "queue_full"
  | "draining"
  | "unknown_command"
  | "usage"
  | "unknown_user"
  | "unknown_model"
  | "unknown_role"
  | "unknown_locale"
  | "unknown_conversation"
  | "unknown_batch"
  | "unknown_entry"
  | "unknown_upstream"
  | "nothing_to_retry"
  | "batch_exists"
  | "batch_state"
  | "amount_invalid"
  | "days_invalid"
  | "count_invalid"
  | "date_invalid"
  | "name_invalid"
  | "already_undone"
  | "cannot_undo"
  | "model_not_available"
  | "link_invalid"
  | "link_own_code"
  | "link_already"
  | "link_banned"
  | "link_locked"
  | "unlink_only_one"
  | "file_no_room"
  | "try_later";

export type ErrorDetails = Readonly<Record<string, string | number>>;

export class UserError extends Error {
  override readonly name = "UserError";
  readonly code: UserErrorCode;
  /** Values for the text shown to the person, e.g. `{ resetsAt }`. */
  readonly details: ErrorDetails;

  constructor(code: UserErrorCode, details: ErrorDetails = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

export type OutsideErrorKind =
  | "rate_limited"
  | "overloaded"
  | "timeout"
  | "unreachable"
  | "unauthorized"
  /** The key has no money left at its provider. */
  | "quota"
  | "rejected"
  /** The chat is closed to us: blocked, deleted, kicked out. */
  | "chat_gone"
  /** The message to edit no longer exists. */
  | "message_gone"
  /** Nothing more may be sent until the person writes again. */
  | "window_closed"
  /** The answer stopped in the middle of its stream. */
  | "cut";

const RETRYABLE: ReadonlySet<OutsideErrorKind> = new Set([
  "rate_limited",
  "overloaded",
  "timeout",
  "unreachable",
]);

export class OutsideError extends Error {
  override readonly name = "OutsideError";
  /** Who failed: "telegram", "openai", "stripe". */
  readonly party: string;
  readonly kind: OutsideErrorKind;
  /** Set only when the party told us how long to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    party: string,
    kind: OutsideErrorKind,
    options: { retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(`${party}: ${kind}`, { cause: options.cause });
    this.party = party;
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }

  get retryable(): boolean {
    return RETRYABLE.has(this.kind);
  }
}
