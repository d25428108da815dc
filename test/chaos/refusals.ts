import type { Question } from "./question.ts";

/** What people read whose question could not be taken within three seconds. */
export const REFUSAL = "please try again in a moment";
/** Until then its answer may still be on the way. */
const REFUSED_AFTER_MS = 10_000;

/** The part of a stage where questions stand. */
interface Asked {
  readonly questions: Question[];
  readonly refused: Question[];
  readReplies(): Promise<ReadonlyMap<string, unknown>>;
  botMessages(person: number): readonly { readonly text: string }[];
}

/**
 * Takes questions off the stage that were refused in so many words: on a machine that stands still for
 * seconds that is the right answer. What vanished without a word stays.
 */
export async function dropRefused(stage: Asked): Promise<void> {
  const isOld = performance.now() - REFUSED_AFTER_MS;
  const open = stage.questions.filter(
    ({ isAnswered, askedAtMs }) => !isAnswered && askedAtMs < isOld,
  );
  if (open.length === 0) return;
  const taken = await stage.readReplies();
  for (const question of open) {
    const { person, messageId } = question;
    if (taken.has(`${person}:${messageId}`)) continue;
    const told = stage.botMessages(person).filter(({ text }) => text.includes(REFUSAL));
    const known = stage.refused.filter((other) => other.person === person).length;
    if (told.length <= known) continue;
    stage.questions.splice(stage.questions.indexOf(question), 1);
    stage.refused.push(question);
  }
}
