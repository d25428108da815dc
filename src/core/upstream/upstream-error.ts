import { OutsideError, type OutsideErrorKind } from "../errors.ts";

const CODE_PATTERN = /^[\w.:-]{1,64}$/;

export interface UpstreamErrorDetails {
  readonly retryAfterMs?: number | undefined;
  /** The provider's word for it, "context_length_exceeded", or ours, "first_byte_timeout". */
  readonly code?: string | null | undefined;
  readonly status?: number | undefined;
  readonly requestId?: string | null | undefined;
  /** The key works, but it does not serve the model that was asked for. */
  readonly isModelMissing?: boolean;
}

/**
 * A failed call to an LLM provider. It carries what may be logged and nothing else: no text of the
 * request or the answer, no header, no library error as its cause.
 */
export class UpstreamError extends OutsideError {
  readonly code: string | null;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly isModelMissing: boolean;

  constructor(upstream: string, kind: OutsideErrorKind, details: UpstreamErrorDetails = {}) {
    super(upstream, kind, { retryAfterMs: details.retryAfterMs });
    // A provider can write anything into these two, its own request for instance.
    this.code = plainWord(details.code);
    this.requestId = plainWord(details.requestId);
    this.status = details.status ?? null;
    this.isModelMissing = details.isModelMissing ?? false;
    if (this.code !== null) this.message += ` (${this.code})`;
  }
}

function plainWord(text: string | null | undefined): string | null {
  return text !== null && text !== undefined && CODE_PATTERN.test(text) ? text : null;
}
