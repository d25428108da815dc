/** What the state of a key is called, and until when it lasts. */
export type UpstreamCondition =
  | { readonly kind: "ready" }
  /** The provider asked us to wait. */
  | { readonly kind: "cooling"; readonly until: Date }
  /** It failed several times in a row; one call will be let through then. */
  | { readonly kind: "circuit_open"; readonly until: Date }
  /** The one call that decides whether the circuit closes is running. */
  | { readonly kind: "probing" }
  | { readonly kind: "dead"; readonly reason: string }
  | { readonly kind: "disabled" };

/** Why a key may not be called now; `untilMs` is null where waiting does not help. */
export type CallDecision =
  | { readonly mayCall: true }
  | { readonly mayCall: false; readonly untilMs: number | null };

/** One call as its key's health knows it. */
export interface HealthCall {
  readonly startedAtMs: number;
  readonly isProbe: boolean;
}

/** What a failure did to the key, for whoever shares that with other workers. */
export type FailureEffect =
  | { readonly kind: "none" | "counted" }
  | { readonly kind: "cooling"; readonly ms: number }
  /** It was refused and worked a moment ago: to be confirmed, and not called until then. */
  | { readonly kind: "suspect"; readonly reason: string }
  /** `mayBeMistake`: the key was refused, but not for lack of money. */
  | { readonly kind: "dead"; readonly reason: string; readonly mayBeMistake: boolean };
