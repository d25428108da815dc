/** Whether a code may be looked at. */
export type TryOutcome =
  /** `closes`: nobody's codes are looked at for a while from now on. */
  | { readonly status: "counted"; readonly closes: boolean }
  /** Too many wrong codes, the person's own or everybody's together; it was not counted. */
  | { readonly status: "locked"; readonly until: Date };

/** How many wrong codes there may be within a window. */
export interface TryLimits {
  readonly windowMs: number;
  /** Of one identity; the window begins anew with each. */
  readonly personMax: number;
  readonly everybodyMax: number;
}

export type LinkOutcome =
  /** `mergedId` is no account of its own any more; all it owned belongs to `accountId`. */
  | { readonly status: "linked"; readonly accountId: string; readonly mergedId: string }
  /** They are one account; `mergedId` when this code made them one. */
  | {
      readonly status: "already_linked";
      readonly accountId: string;
      readonly mergedId: string | null;
    }
  /** Typed where it was shown. */
  | { readonly status: "own_code" }
  /** Unknown, over, or used by somebody else. */
  | { readonly status: "invalid" }
  /** One of the two accounts. */
  | { readonly status: "banned" };

export type UnlinkOutcome =
  /** `formerId` keeps the credit. */
  | { readonly status: "unlinked"; readonly formerId: string }
  | { readonly status: "only_one" }
  | { readonly status: "banned" };

/**
 * Makes one account of two, and takes an identity off again. Each method is one transaction. Codes
 * come in as HMAC only.
 */
export interface AccountLinks {
  /** Gives the account its one code, in place of an earlier one. */
  issue(accountId: string, identityId: bigint, codeHmac: Uint8Array, lifeMs: number): Promise<void>;
  /** Makes a code worthless, if there is such a code. */
  revoke(codeHmac: Uint8Array): Promise<void>;
  /** Counts a try before its code is looked at. */
  countTry(identityKey: string, limits: TryLimits): Promise<TryOutcome>;
  /** The try that was counted last was no wrong code. */
  returnTry(identityKey: string): Promise<void>;
  /**
   * The account of the identity joins the one that the code was issued for, with all that it owns.
   * Of several at once with the same code one succeeds.
   */
  link(codeHmac: Uint8Array, identityId: bigint): Promise<LinkOutcome>;
  /** Moves the identity to the new account `newAccountId`, without credit and without a trial. */
  unlink(identityId: bigint, newAccountId: string): Promise<UnlinkOutcome>;
}
