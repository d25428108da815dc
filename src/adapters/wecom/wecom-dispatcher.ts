import type { WSClient } from "@wecom/aibot-node-sdk";
import { z } from "zod";
import type { ChatHandlers } from "../../core/chat/chat-adapter.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import type { EventIntake } from "../shared/event-intake.ts";
import type { WecomDirectChats } from "./wecom-direct-chats.ts";
import { WecomDownloads } from "./wecom-downloads.ts";
import { errorCode } from "./wecom-errors.ts";
import { cutToBytes } from "./wecom-markup.ts";
import { channelOf, isCommand, isDirect, readMessage } from "./wecom-message.ts";
import { SavedMessage, WecomFrame, WecomMessage } from "./wecom-payload.ts";
import type { WecomRequests } from "./wecom-requests.ts";

/** Texts of other kinds of bots hold so much; of a greeting it is not said. */
const WELCOME_BYTES_MAX = 2_000;

const EnterChat = z.object({
  event: z.object({ eventtype: z.literal("enter_chat") }),
});

export interface DispatcherOptions {
  readonly bot: string;
  readonly requests: WecomRequests;
  readonly directChats: WecomDirectChats;
  readonly intake: EventIntake<SavedMessage>;
  readonly welcomeText: string | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings what WeCom tells us to the core. */
export class WecomDispatcher {
  readonly #options: DispatcherOptions;
  readonly #files = new WecomDownloads();
  #handlers: ChatHandlers | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  set handlers(handlers: ChatHandlers) {
    this.#handlers = handlers;
  }

  /** Takes a message from the connection. Never throws. */
  receive(frame: unknown): void {
    const { requests, intake, log } = this.#options;
    const saved = readFrame(frame);
    if (saved === null) {
      log.warn({}, "message not understood");
      return;
    }
    // Also when it comes again: the request it came in before may be gone with its connection.
    requests.note(requestOf(saved));
    intake.receive(saved);
  }

  /** Takes an event from the connection: somebody who opens the chat is greeted. Never throws. */
  receiveEvent(frame: unknown, client: WSClient): void {
    const { welcomeText } = this.#options;
    const { data } = WecomFrame.safeParse(frame);
    if (data === undefined || welcomeText === null) return;
    if (!EnterChat.safeParse(data.body).success) return;
    void this.#greet(data.headers.req_id, welcomeText, client);
  }

  /** Handles one message. Throws what the core throws. */
  async handle(payloads: readonly unknown[]): Promise<void> {
    const { bot, requests, directChats, clock } = this.#options;
    const saved = SavedMessage.parse(payloads[0]);
    if (this.#handlers === null) return;
    // It may have been saved by an earlier process.
    requests.note(requestOf(saved));
    const { message } = saved;
    if (isDirect(message)) await directChats.learn(message.from.userid);
    const context = { bot, now: clock.now(), files: this.#files };
    await this.#handlers.onMessage(await readMessage(message, context));
  }

  /** WeCom waits five seconds for it, so it is not handed to the core. */
  async #greet(reqId: string, text: string, client: WSClient): Promise<void> {
    try {
      await client.replyWelcome(
        { headers: { req_id: reqId } },
        { msgtype: "text", text: { content: cutToBytes(text.toWellFormed(), WELCOME_BYTES_MAX) } },
      );
    } catch (error) {
      this.#options.log.warn({ code: errorCode(error) }, "greeting not sent");
    }
  }
}

/** `null` when it is no message we know. */
function readFrame(frame: unknown): SavedMessage | null {
  const { data } = WecomFrame.safeParse(frame);
  if (data === undefined) return null;
  const message = WecomMessage.safeParse(data.body).data;
  return message === undefined ? null : { reqId: data.headers.req_id, message };
}

function requestOf({ reqId, message }: SavedMessage) {
  return {
    messageId: message.msgid,
    reqId,
    channel: channelOf(message),
    isDirect: isDirect(message),
    isCommand: isCommand(message),
  };
}
