/** An answer by which Discord refuses a call. */
export class DiscordFailure extends Error {
  readonly status: number;
  readonly code: number;
  readonly more: object;

  constructor(status: number, code: number, message: string, more: object = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }

  get body(): object {
    return { message: this.message, code: this.code, ...this.more };
  }
}
