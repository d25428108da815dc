import type { Person } from "./account/account.ts";
import type { AccountStore } from "./account/account-store.ts";
import type { WelcomePerson } from "./account/welcome-person.ts";
import type { AdminAccess } from "./admin/admin-access.ts";
import type { RuntimeSettings } from "./admin/runtime-settings.ts";
import type { AskQuestion } from "./ask-question.ts";
import { hideCodes } from "./cards/mask-codes.ts";
import { chatKey } from "./chat/chat-address.ts";
import type { ChatConnection } from "./chat/chat-connections.ts";
import { type IncomingMessage, replyTarget } from "./chat/incoming-message.ts";
import { say } from "./chat/say.ts";
import type { ChatSettings } from "./chat-settings.ts";
import type { Clock } from "./clock.ts";
import type { Answer, CommandContext } from "./commands/command.ts";
import type { CommandList } from "./commands/command-list.ts";
import { asksForMore } from "./commands/plain-commands.ts";
import { readCommand } from "./commands/read-command.ts";
import { hideCode, tellAnswer } from "./commands/tell-answer.ts";
import type { EditQuestion } from "./edit-question.ts";
import { OutsideError, UserError } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { RateLimiter } from "./quota/rate-limiter.ts";
import { readQuestion } from "./read-question.ts";
import type { ReplyMetrics } from "./reply-metrics.ts";
import type { ResumeDeliveries } from "./resume-deliveries.ts";
import { matchLocale, textsFor } from "./texts/locales.ts";
import type { Texts } from "./texts/texts.ts";
import type { ModelCatalog } from "./upstream/model-catalog.ts";

const MINUTE_MS = 60_000;

export interface HandleMessageParts {
  readonly accounts: AccountStore;
  readonly welcome: WelcomePerson;
  readonly access: AdminAccess;
  readonly commands: CommandList;
  readonly ask: AskQuestion;
  readonly editQuestion: EditQuestion;
  readonly resume: ResumeDeliveries;
  readonly models: ModelCatalog;
  readonly rateLimiter: RateLimiter;
  readonly runtime: RuntimeSettings;
  readonly settings: ChatSettings;
  readonly metrics: ReplyMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Whom a refusal is for; without an account when there was no time to find it. */
interface Hearer {
  readonly message: IncomingMessage;
  readonly texts: Texts;
  readonly accountId: string | null;
}

/**
 * A person wrote: a command is run and answered, a question is taken. Handling the same message
 * twice acts once: questions are keyed by their message, and so is what commands change.
 */
export class HandleMessage {
  readonly #parts: HandleMessageParts;

  constructor(parts: HandleMessageParts) {
    this.#parts = parts;
  }

  /** Throws only what is worth another try of the same message: a platform or database failure. */
  async handle(message: IncomingMessage, connection: ChatConnection): Promise<void> {
    const { settings, access } = this.#parts;
    const { platform } = message.address;
    const senderLocale = matchLocale(message.sender.locale) ?? settings.defaultLocale;
    const person = await this.#identify(message).catch((error: unknown) => {
      if (isBusy(error)) return null;
      throw error;
    });
    if (person === null) {
      const asStranger = { message, texts: textsFor(senderLocale), accountId: null };
      return await this.#tellError(asStranger, new UserError("try_later"), connection);
    }
    const locale = matchLocale(person.account.locale) ?? senderLocale;
    const context: CommandContext = {
      message,
      person,
      locale,
      texts: textsFor(locale),
      cause: `${chatKey(message.address)}:${message.id}`,
      actor: `${platform}:${message.sender.platformUserId}`,
      isAdmin: access.isAdmin(message.address, message.sender.platformUserId),
    };
    if (connection.sender.capabilities.sendsPerMessageMax !== null) {
      // What had to wait until the person writes goes out now.
      const isResumed = await this.#parts.resume.all(message.address);
      if (isResumed && asksForMore(message.text)) return;
    }
    await this.#answer(context, connection);
  }

  async #identify(message: IncomingMessage): Promise<Person> {
    const { accounts, access, welcome } = this.#parts;
    const { platform, bot, channel } = message.address;
    const person = await accounts.identify({
      platform,
      bot,
      sender: message.sender,
      directChannel: message.isDirect && !access.isAdminChat(message.address) ? channel : null,
    });
    await welcome.grantTrial(person);
    return person;
  }

  async #answer(context: CommandContext, connection: ChatConnection): Promise<void> {
    const hearer = { ...context, accountId: context.person.account.id };
    try {
      const answer = await this.#act(context, connection);
      if (answer !== null) await tellAnswer(context, answer, connection);
    } catch (error) {
      if (isClosed(error)) this.#logUnread(hearer, error);
      else if (error instanceof UserError) await this.#tellError(hearer, error, connection);
      else if (isBusy(error) && !isAdminCommand(context, connection)) {
        await this.#tellError(hearer, new UserError("try_later"), connection);
      } else throw error;
    }
  }

  async #act(context: CommandContext, connection: ChatConnection): Promise<Answer | null> {
    const { message, person } = context;
    const command = readCommand(message.text, connection.sender.capabilities);
    if (command?.name === "redeem") await hideCode(context, connection);
    // An edited command is not run again: what it did is done.
    if (message.isEdit && command !== null) return null;
    this.#parts.metrics.messageReceived({
      platform: message.address.platform,
      kind: command === null ? "question" : "command",
    });
    this.#refuseBanned(person, context.isAdmin);
    if (message.isEdit) return await this.#handleEdit(context, connection);
    if (command === null) {
      await this.#askQuestion(context, message.text, connection);
      return null;
    }
    if (command.name === "ask") {
      await this.#askQuestion(context, command.args, connection);
      return null;
    }
    this.#limit(`commands:${person.account.id}`, this.#parts.settings.commandsPerMinuteMax);
    return await this.#parts.commands.run(context, command, connection);
  }

  async #askQuestion(
    context: CommandContext,
    text: string,
    connection: ChatConnection,
  ): Promise<void> {
    const question = await this.#readQuestion(context, text);
    await this.#parts.ask.ask({ ...question, replaces: null }, connection);
  }

  /** Throws `UserError` for what cannot be asked now. Card codes in it are hidden from here on. */
  async #readQuestion(context: CommandContext, text: string) {
    const { runtime, settings, models } = this.#parts;
    const { message, person, locale } = context;
    if (runtime.isDraining) throw new UserError("draining");
    const model = models.choose(person.account.model);
    const read = await readQuestion(message, text, model, settings);
    this.#limit(`questions:${person.account.id}`, settings.questionsPerMinuteMax);
    return { message, person, locale, text: hideCodes(read.text), images: read.images };
  }

  async #handleEdit(context: CommandContext, connection: ChatConnection): Promise<Answer | null> {
    const { message, texts } = context;
    const question = await this.#readQuestion(context, message.text);
    const outcome = await this.#parts.editQuestion.edit(question, connection);
    if (outcome === "too_late") return { text: texts.editTooLate };
    return outcome === "merged" ? { text: texts.editMerged } : null;
  }

  #refuseBanned({ account }: Person, isAdmin: boolean): void {
    if (account.status !== "banned" || isAdmin) return;
    throw new UserError("account_banned", { reason: account.banReason ?? "" });
  }

  #limit(key: string, countMax: number): void {
    const waitMs = this.#parts.rateLimiter.take(key, countMax, MINUTE_MS);
    if (waitMs > 0) throw new UserError("rate_limited", { seconds: Math.ceil(waitMs / 1000) });
  }

  async #tellError(hearer: Hearer, error: UserError, connection: ChatConnection): Promise<void> {
    const { message, texts, accountId } = hearer;
    const { platform } = message.address;
    this.#parts.log.info({ code: error.code, platform, accountId }, "message was refused");
    try {
      await say(connection, {
        to: message.address,
        isDirect: message.isDirect,
        text: texts.errors[error.code](error.details),
        replyTo: replyTarget(message),
      });
    } catch (cause) {
      if (!isClosed(cause)) throw cause;
      this.#logUnread(hearer, cause);
    }
  }

  #logUnread({ message, accountId }: Hearer, { kind }: OutsideError): void {
    const { platform } = message.address;
    this.#parts.log.info({ platform, kind, accountId }, "answer was not taken");
  }
}

/** Nobody is there to be told, at least for now; trying again soon would not help. */
function isClosed(error: unknown): error is OutsideError {
  return (
    error instanceof OutsideError && (error.kind === "chat_gone" || error.kind === "window_closed")
  );
}

/**
 * The database let a step of ours wait too long and did nothing of it. A question is saved with its
 * hold in one step and a card is redeemed in one, so either may simply be sent again.
 */
function isBusy(error: unknown): boolean {
  return error instanceof OutsideError && error.party === "database" && error.kind === "overloaded";
}

/** These take several steps: the same message, tried again, does none of them twice; a new one would. */
function isAdminCommand({ isAdmin, message }: CommandContext, { sender }: ChatConnection): boolean {
  return isAdmin && readCommand(message.text, sender.capabilities) !== null;
}
