import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { chargeOf } from "../../src/core/billing/price-list.ts";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgReplyOutbox } from "../../src/store/pg-reply-outbox.ts";
import { tokensOf } from "../fakes/openai-behaviour.ts";
import { onRedis } from "./on-redis.ts";
import type { Question, ReplyRow } from "./question.ts";
import type { Stage } from "./stage.ts";
import { waitFor } from "./wait-for.ts";

/** More of one kind of problem than this tell nothing new. */
const PROBLEMS_OF_A_KIND_MAX = 5;
const RECEIPT = "left:";
/** A worker that was killed last keeps its job until its lock lapses and another one looks. */
const TAKEOVER_MS_MAX = 6_000;
const REFUSED_MIN = 2;
const REFUSED_SHARE_MAX = 0.005;

/**
 * What must hold after every fault, once it is quiet: the fault invariants I1 to I10. Returns what does
 * not, each with the number of its invariant in front; empty when all is well.
 *
 * `leftoversMax`: a gateway that is killed after it sent a message and before it noted its id leaves it
 * behind; platforms have no way to prevent that. Its answer still comes, once, in a message of its own.
 */
export async function checkInvariants(stage: Stage, leftoversMax = 0): Promise<string[]> {
  const replies = await stage.readReplies();
  const problems = [
    ...(await checkMoney(stage)),
    ...stage.questions.flatMap((question) => {
      const reply = replies.get(`${question.person}:${question.messageId}`);
      return reply === undefined
        ? [`I5: "${question.text}" was never taken`]
        : checkAnswer(stage, question, reply);
    }),
    ...checkChats(stage, replies),
    ...checkLeftovers(stage, leftoversMax + stage.refused.length),
    ...checkRefused(stage),
    ...(await checkQueue(stage)),
    ...stage.upstream.violations.map((violation) => `I8: ${violation}`),
    ...checkLogs(stage),
  ];
  return fewOfEachKind(problems);
}

/** I1, I2, I3: the books add up, nothing moved twice, every hold ended. */
async function checkMoney({ pool }: Stage): Promise<string[]> {
  const faults = await auditLedger(pool);
  const audit = faults.map(
    ({ rule, account, difference }) => `I1: ${rule}: ${account} ${difference}`,
  );
  const count = async (rule: string, query: string): Promise<string[]> => {
    const { rows } = await pool.query<{ count: number }>(query);
    const found = rows[0]?.count ?? 0;
    return found === 0 ? [] : [`${rule} (${found})`];
  };
  return [
    ...audit,
    ...(await count("I1: a lot is below zero", countOf("lot WHERE remaining < 0"))),
    ...(await count(
      "I2: a movement was booked twice",
      countOf("(SELECT 1 FROM entry GROUP BY transfer, line HAVING count(*) > 1) twice"),
    )),
    ...(await count(
      "I2: an answer was charged twice",
      countOf(`(SELECT 1 FROM hold WHERE state = 'captured' AND cause LIKE 'reply:%'
        GROUP BY split_part(cause, ':', 2) HAVING count(*) > 1) twice`),
    )),
    ...(await count(
      "I2: an answer costs something else than was charged",
      countOf(`reply r JOIN hold h ON h.id = r.hold_id WHERE r.charge <> h.captured`),
    )),
    ...(await count("I3: a hold is still open", countOf("hold WHERE state = 'open'"))),
  ];
}

const countOf = (from: string): string => `SELECT count(*)::int AS count FROM ${from}`;

/** I4, I5, I6: the words of the upstream, byte for byte, billed for exactly those that came. */
function checkAnswer(stage: Stage, question: Question, reply: ReplyRow): string[] {
  const expected = stage.expectedText(question);
  const text = reply.text ?? "";
  const name = `"${question.text}" (${stateOf(reply)})`;
  if (reply.answered_at === null) return [`I5: ${name} did not end`];
  if (reply.delivered_at === null) return [`I5: ${name} was not delivered`];
  const problems: string[] = [];
  const isWhole = reply.state === "delivered" && reply.failure === null;
  if (isWhole && text !== expected) problems.push(`I6: ${name} reads otherwise than the upstream`);
  if (!expected.startsWith(text)) problems.push(`I6: ${name} has words that never came`);
  if (text === "") {
    if (reply.charge !== 0n) problems.push(`I4: ${name} costs something and says nothing`);
    return problems;
  }
  // With usage the upstream's figure counts, which is what it emitted; else our own, which is a full count.
  const isTold = reply.usage_source === "upstream";
  const tokens = isTold ? tokensOf(question.play).length : countTokens(text);
  if (reply.output_tokens !== tokens) {
    problems.push(`I4: ${name} bills ${reply.output_tokens} tokens, ${tokens} came`);
  }
  const usage = { inputTokens: reply.input_tokens ?? 0, cachedTokens: 0, outputTokens: tokens };
  // Whoever pays in messages pays one for each answer.
  const due = reply.unit === "message" ? 1n : chargeOf(usage, pricesOf(reply));
  if (reply.free_reason === null && reply.charge !== due) {
    problems.push(`I4: ${name} costs ${reply.charge} instead of ${due}`);
  }
  return problems;
}

/** What became of it, e.g. "delivered, upstream_failed". */
function stateOf(reply: ReplyRow | undefined): string {
  if (reply === undefined) return "never taken";
  return [reply.state, reply.failure].filter((word) => word !== null).join(", ");
}

function pricesOf({ price }: ReplyRow) {
  const of = (name: "input" | "cachedInput" | "output") => BigInt(price[name] ?? 0);
  return {
    input: of("input"),
    cachedInput: of("cachedInput"),
    output: of("output"),
    messageCost: null,
  };
}

/** I5 and I6 as people see them: one message a question, with the whole answer and its receipt. */
function checkChats(stage: Stage, replies: ReadonlyMap<string, ReplyRow>): string[] {
  const byPerson = Map.groupBy(stage.questions, ({ person }) => person);
  return [...byPerson].flatMap(([person, questions]) => {
    if (stage.gone.has(person)) return [];
    const messages = stage.botMessages(person);
    const problems: string[] = [];
    const shown = messages.filter((message) => !isLeftover(message));
    if (shown.length !== questions.length) {
      const unfinished = messages.filter(({ text }) => !text.includes(RECEIPT));
      const texts = JSON.stringify(unfinished.map(({ text }) => text));
      problems.push(
        `I5: ${questions.length} questions of ${person} got ${messages.length} messages (${texts})`,
      );
    }
    const finals = messages.filter(({ text }) => text.includes(RECEIPT));
    const whole = questions.filter((question) => question.isWhole);
    for (const question of whole) {
      const text = stage.expectedText(question).trim();
      // The next line is the receipt: one answer may begin with the words of another.
      if (!finals.some((final) => final.text.startsWith(`${text}\n`))) {
        const reply = replies.get(`${person}:${question.messageId}`);
        problems.push(
          `I6: the answer to "${question.text}" (${stateOf(reply)}) is not what the chat shows`,
          ...logOf(stage, reply),
        );
      }
    }
    return problems;
  });
}

/** How many messages were sent and forgotten, by all gateways that were killed. */
export function countLeftovers(stage: Stage): number {
  const asked = new Set(stage.questions.map(({ person }) => person));
  return [...asked]
    .flatMap((person) => (stage.gone.has(person) ? [] : stage.botMessages(person)))
    .filter(isLeftover).length;
}

/** What the programs wrote about a reply. */
function logOf(stage: Stage, reply: ReplyRow | undefined): string[] {
  if (reply === undefined) return [];
  return stage.programs
    .flatMap(({ output, errors }) => `${output}\n${errors}`.split("\n"))
    .filter((line) => line.includes(reply.id))
    .map((line) => `    ${line}`);
}

function checkLeftovers(stage: Stage, leftoversMax: number): string[] {
  const count = countLeftovers(stage);
  return count <= leftoversMax
    ? []
    : [`I5: ${count} messages were left behind, at most ${leftoversMax}`];
}

/** A machine may stand still for seconds, but not for many people. */
function checkRefused({ refused, questions }: Stage): string[] {
  const max = Math.max(REFUSED_MIN, questions.length * REFUSED_SHARE_MAX);
  return refused.length <= max ? [] : [`I5: ${refused.length} people were told to try again`];
}

/** Sent once, never edited, without an end. */
function isLeftover({ text, edits }: { readonly text: string; readonly edits: number }): boolean {
  return edits === 0 && !text.includes(RECEIPT);
}

/** I7: nothing is in work without a worker, nothing waits in the outbox. */
async function checkQueue({ pool, redisUrl }: Stage): Promise<string[]> {
  const outbox = new PgReplyOutbox(pool);
  const waiting = [
    ...(await outbox.listReleasable(1, 10)),
    ...(await outbox.listOrphans(0, 10)),
    ...(await outbox.listUndelivered(0, 10)),
  ];
  const countActive = () =>
    redisUrl === null
      ? countRows(pool, "bullmq.job WHERE state = 'active'")
      : onRedis(redisUrl, (redis) => redis.llen("dianka:replies:active"));
  const isFree = async () => (await countActive()) === 0;
  await waitFor("the jobs of dead workers are free", isFree, TAKEOVER_MS_MAX).catch(() => {});
  const stuck = await countActive();
  return [
    ...(waiting.length === 0 ? [] : [`I7: ${waiting.length} replies wait in the outbox`]),
    ...(stuck === 0 ? [] : [`I7: ${stuck} jobs are in work without a worker`]),
  ];
}

async function countRows(pool: Stage["pool"], from: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(countOf(from));
  return rows[0]?.count ?? 0;
}

/** I10: no key, token or word of a person in what the programs wrote. */
function checkLogs(stage: Stage): string[] {
  const written = stage.programs.map(({ output, errors }) => output + errors).join("\n");
  return stage.secrets
    .filter((secret) => written.includes(secret))
    .map(
      (secret) =>
        `I10: the log has ${secret === stage.secretWord ? "words of a person" : "a secret"}`,
    );
}

function fewOfEachKind(problems: readonly string[]): string[] {
  const kinds = Map.groupBy(problems, (problem) => problem.replaceAll(/"[^"]*"|\d+/g, "…"));
  return [...kinds.values()].flatMap((same) => {
    const more = same.length - PROBLEMS_OF_A_KIND_MAX;
    return more <= 0
      ? same
      : [...same.slice(0, PROBLEMS_OF_A_KIND_MAX), `… and ${more} more like it`];
  });
}
