import type pg from "pg";
import type { Question } from "./question.ts";

const SHOWN = 5;
const LOG_LINES = 40;

/** The part of a stage that tells where it stands still. */
interface Unfinished {
  readonly questions: readonly Question[];
  readonly pool: pg.Pool;
  readonly programs: readonly { readonly isRunning: boolean; readonly errors: string }[];
  readonly telegram: {
    readonly state: { readonly queue: { readonly pending: readonly unknown[] } };
  };
  botMessages(person: number): readonly { readonly text: string }[];
}

/** Why a stage does not come to rest, for whoever has to find out. */
export async function describeUnfinished(stage: Unfinished): Promise<string> {
  const open = stage.questions.filter(({ isAnswered }) => !isAnswered);
  const replies = await stage.pool.query(
    `SELECT id, channel, message_id, state, failure, attempts, parked_at, stop_requested_at, created_at,
       released_at, started_at, heartbeat_at, answered_at FROM reply WHERE delivered_at IS NULL LIMIT $1`,
    [SHOWN],
  );
  const inbound = await stage.pool.query(
    "SELECT id, event_id, attempts, received_at, handled_at, payload FROM inbound ORDER BY id DESC LIMIT $1",
    [SHOWN],
  );
  const programs = stage.programs.filter(({ isRunning }) => isRunning);
  return [
    `at ${new Date().toISOString()}: ${open.length} questions without an end`,
    ...open.slice(0, SHOWN).map(({ person, messageId, askedAtMs }) => {
      const ageMs = Math.round(performance.now() - askedAtMs);
      const shown = stage.botMessages(person).map(({ text }) => text.slice(0, 80));
      return `  ${person}:${messageId}, asked ${ageMs} ms ago, sees ${JSON.stringify(shown)}`;
    }),
    `  ${stage.telegram.state.queue.pending.length} updates wait for the bot`,
    ...replies.rows.map((row) => `  reply ${JSON.stringify(row)}`),
    ...inbound.rows.map((row) => `  message ${JSON.stringify(row)}`),
    ...programs.map(({ errors }) => errors.split("\n").slice(-LOG_LINES).join("\n")),
  ].join("\n");
}
