/** A refusal, as the Bot API words it. */
export class BotApiError extends Error {
  override readonly name = "BotApiError";
  readonly code: number;
  readonly parameters: Readonly<Record<string, number>>;

  constructor(code: number, description: string, parameters: Record<string, number> = {}) {
    super(description);
    this.code = code;
    this.parameters = parameters;
  }

  toJSON(): object {
    const hasParameters = Object.keys(this.parameters).length > 0;
    return {
      ok: false,
      error_code: this.code,
      description: this.message,
      ...(hasParameters && { parameters: this.parameters }),
    };
  }
}

export function badRequest(reason: string): BotApiError {
  return new BotApiError(400, `Bad Request: ${reason}`);
}

export function forbidden(reason: string): BotApiError {
  return new BotApiError(403, `Forbidden: ${reason}`);
}

export function tooManyRequests(seconds: number): BotApiError {
  return new BotApiError(429, `Too Many Requests: retry after ${seconds}`, {
    retry_after: seconds,
  });
}
