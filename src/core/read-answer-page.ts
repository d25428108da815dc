import type { AnswerLinks } from "./answer-links.ts";
import type { AnswerPage, AnswerPages } from "./chat/answer-pages.ts";
import type { ReplyStore } from "./reply-store.ts";

/** The whole of one answer, for whoever holds its link. */
export class ReadAnswerPage implements AnswerPages {
  readonly #links: AnswerLinks;
  readonly #replies: ReplyStore;

  constructor(links: AnswerLinks, replies: ReplyStore) {
    this.#links = links;
    this.#replies = replies;
  }

  async read(token: string): Promise<AnswerPage | null> {
    const replyId = this.#links.readReplyId(token);
    const reply = replyId === null ? null : await this.#replies.find(replyId);
    if (reply === null || reply.text === null || reply.text === "") return null;
    return { text: reply.text, locale: reply.locale };
  }
}
