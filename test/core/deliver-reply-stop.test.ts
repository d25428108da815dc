import { describe, expect, it } from "vitest";
import type { OutgoingMessage, SentMessage } from "../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../src/core/chat/chat-address.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { DeliverReply, type DeliverReplyParts } from "../../src/core/deliver-reply.ts";
import type { ReplyFeed, ReplyProgress } from "../../src/core/reply-feed.ts";
import { FakeChat } from "../fakes/fake-chat.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const address = { platform: "fake", bot: "bot", channel: "c", thread: null };
const reply = { id: "r", address, isDirect: true, messageId: "m", locale: "en" };

/** A chat whose answer to a message comes when a test lets it. */
class SlowChat extends FakeChat {
  readonly gate = Promise.withResolvers<void>();

  override async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    const sent = await super.send(to, message);
    await this.gate.promise;
    return sent;
  }
}

function setUp() {
  const clock = new FakeClock();
  const chat = new SlowChat();
  const budget = new EditBudget(clock, chat.capabilities.pace, Number.POSITIVE_INFINITY);
  const saved: string[] = [];
  const replies = {
    saveMessage: async (_: string, { messageId }: { messageId: string }) => {
      saved.push(messageId);
    },
  };
  const deliver = new DeliverReply({
    replies,
    answerLinks: null,
    clock,
    log: new RecordedLog(),
  } as unknown as DeliverReplyParts);
  let publish: (progress: ReplyProgress) => void = () => {};
  deliver.follow({
    subscribeProgress: (listener: typeof publish) => {
      publish = listener;
      return () => {};
    },
  } as unknown as ReplyFeed);
  const connection = { sender: chat, budget };
  /** Its placeholder is on its way. */
  const begin = async () => {
    deliver.begin(reply, connection);
    publish({ type: "started", replyId: reply.id, bot: address });
    await clock.advance(1_000);
  };
  return { clock, chat, begin, saved, deliver };
}

describe("DeliverReply, stopping", () => {
  it("waits for a message on its way, so that the next process knows of it", async () => {
    const { clock, chat, begin, saved, deliver } = setUp();
    await begin();
    expect(chat.messages).toHaveLength(1);
    let isStopped = false;
    const stopped = deliver.stop(new AbortController().signal).then(() => {
      isStopped = true;
    });
    await clock.settle();
    expect(isStopped).toBe(false);
    chat.gate.resolve();
    await stopped;
    expect(saved).toHaveLength(1);
    expect(clock.sleepers).toBe(0);
  });

  it("gives up waiting for a platform that does not answer, and at once when in a hurry", async () => {
    for (const hurryAfterMs of [5_000, 0]) {
      const { clock, begin, deliver } = setUp();
      await begin();
      const hurry = new AbortController();
      const stopped = deliver.stop(hurry.signal);
      if (hurryAfterMs === 0) hurry.abort();
      await clock.advance(hurryAfterMs);
      await stopped;
    }
  });

  it("begins nothing any more", async () => {
    const { chat, begin, deliver } = setUp();
    await deliver.stop(new AbortController().signal);
    await begin();
    expect(chat.calls).toEqual([]);
  });
});
