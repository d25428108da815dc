/** The codes real WeCom answers with, as its users report them. */
export const CODES = {
  ok: 0,
  invalidParameter: 40058,
  contentTooLong: 40059,
  invalidReqId: 846605,
  tooOften: 846607,
  streamExpired: 846608,
  credentialsRefused: 853000,
} as const;

/** WeCom refuses a call. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.code = code;
  }
}

export function refuseUnless(isFine: boolean, code: number, description: string): asserts isFine {
  if (!isFine) throw new Refusal(code, description);
}
