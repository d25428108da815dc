import assert from "node:assert";
import type pg from "pg";
import { orBusy, preparedQuery } from "./pg-pool.ts";
import { SharedCalls } from "./shared-calls.ts";

/** Raised by the SQL functions when a hold is not covered; see the migrations. */
const INSUFFICIENT = "DK001";

/** What the SQL function `open_reply` answers. */
export type OpenAnswer =
  | {
      readonly status: "opened" | "merged" | "duplicate";
      readonly id: string;
      readonly released: readonly string[];
    }
  | { readonly status: "too_late" | "queue_full" }
  | ({ readonly status: "insufficient" } & MissingFunds);

/** What an account has, when it is not enough. */
export interface MissingFunds {
  readonly credit: string;
  readonly messages: string;
}

/** What the SQL function `finish_reply` answers. */
export interface FinishAnswer {
  readonly charged: string | null;
}

/** Calls of the SQL functions that move credit; those of one moment share a transaction. */
export class ReplyCalls {
  readonly open: SharedCalls<OpenAnswer>;
  readonly finish: SharedCalls<FinishAnswer>;
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
    this.open = new SharedCalls({
      runGroup: (calls) => this.#answers("SELECT open_replies($1::jsonb[]) AS answer", calls),
      runAlone: (call) => this.openAlone(call),
    });
    this.finish = new SharedCalls({
      runGroup: (calls) => this.#answers("SELECT finish_replies($1::jsonb[]) AS answer", calls),
      runAlone: (call) => this.#finishAlone(call),
    });
  }

  async openAlone(call: string): Promise<OpenAnswer> {
    try {
      const [answer] = await this.#answers<OpenAnswer>("SELECT open_reply($1) AS answer", call);
      assert(answer !== undefined && answer !== null, "open_reply answers");
      return answer;
    } catch (error) {
      const funds = missingFunds(error);
      if (funds === null) throw error;
      return { status: "insufficient", ...funds };
    }
  }

  async #finishAlone(call: string): Promise<FinishAnswer> {
    const [charged] = await this.#answers<bigint>("SELECT finish_reply($1) AS answer", call);
    return { charged: charged?.toString() ?? null };
  }

  async #answers<Answer>(
    text: string,
    argument: string | readonly string[],
  ): Promise<(Answer | null)[]> {
    const query = preparedQuery(text, [argument]);
    const { rows } = await orBusy(this.#pool.query<{ answer: Answer | null }>(query));
    return rows.map(({ answer }) => answer);
  }
}

/** `null`: it is some other error. */
export function missingFunds(error: unknown): MissingFunds | null {
  const { code, detail } = error as { code?: string; detail?: string };
  return code === INSUFFICIENT && detail !== undefined ? JSON.parse(detail) : null;
}
