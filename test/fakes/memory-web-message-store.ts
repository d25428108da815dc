import type {
  WebMessage,
  WebMessageContent,
  WebMessageStore,
} from "../../src/core/chat/web-message-store.ts";

/** Web messages in memory. `writes` counts what a database would have to do. */
export class MemoryWebMessageStore implements WebMessageStore {
  readonly #messages = new Map<string, WebMessage>();
  writes = 0;
  /** Set to make every call fail like a database that is away. */
  failure: Error | null = null;

  async append(message: WebMessage): Promise<boolean> {
    this.#write();
    if (this.#messages.has(message.id)) return false;
    this.#messages.set(message.id, structuredClone(message));
    return true;
  }

  async update(channel: string, id: string, content: WebMessageContent): Promise<boolean> {
    this.#write();
    const message = this.#find(channel, id);
    if (message === null) return false;
    const { text, format, buttons } = content;
    const replyId = content.replyId ?? message.replyId;
    this.#messages.set(id, { ...message, text, format, buttons, replyId });
    return true;
  }

  async delete(channel: string, id: string): Promise<boolean> {
    this.#write();
    return this.#find(channel, id) !== null && this.#messages.delete(id);
  }

  async list(channel: string, limit: number, beforeId: string | null): Promise<WebMessage[]> {
    if (this.failure !== null) throw this.failure;
    return [...this.#messages.values()]
      .filter((message) => message.channel === channel)
      .filter((message) => beforeId === null || message.id < beforeId)
      .sort((left, right) => (left.id < right.id ? -1 : 1))
      .slice(-limit);
  }

  #write(): void {
    if (this.failure !== null) throw this.failure;
    this.writes += 1;
  }

  #find(channel: string, id: string): WebMessage | null {
    const message = this.#messages.get(id);
    return message?.channel === channel ? message : null;
  }
}
