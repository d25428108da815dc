import { expect, it } from "vitest";
import { ChatConnections } from "../../src/core/chat/chat-connections.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { DeliverReply, type DeliverReplyParts } from "../../src/core/deliver-reply.ts";
import type { ReplyFeed, ReplyProgress } from "../../src/core/reply-feed.ts";
import { FakeChat } from "../fakes/fake-chat.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const address = { platform: "fake", bot: "bot", channel: "c", thread: null };
const reply = { id: "r", address, isDirect: true, messageId: "m", locale: "en", answeredAt: null };

it("a standby shows no previews of a bot that another process owns, and goes on once it has it", async () => {
  const clock = new FakeClock();
  const chat = new FakeChat();
  const budget = new EditBudget(clock, chat.capabilities.pace, Number.POSITIVE_INFINITY);
  let isOwner = false;
  const connections = new ChatConnections([{ sender: chat, budget }], () => isOwner);
  const shown = await chat.send(address, {
    ...{ text: "Once", format: "plain", buttons: [], replyTo: null },
  });
  const replies = {
    find: async () => reply,
    listMessages: async () => [{ position: 0, channel: "c", messageId: shown.id }],
    saveMessage: async () => {},
  };
  const deliver = new DeliverReply({
    ...{ replies, answerLinks: null, clock, log: new RecordedLog() },
    connections: () => connections,
  } as unknown as DeliverReplyParts);
  let publish: (progress: ReplyProgress) => void = () => {};
  deliver.follow({
    subscribeProgress: (listener: typeof publish) => {
      publish = listener;
      return () => {};
    },
  } as unknown as ReplyFeed);
  const grow = async (text: string) => {
    publish({ type: "text", replyId: "r", bot: address, attempt: 1, offset: 0, text });
    await clock.advance(3_000);
  };
  await grow("Once upon");
  await grow("Once upon a time");
  expect(chat.messages).toEqual(["Once"]);

  isOwner = true;
  await grow("Once upon a time there");
  await grow("Once upon a time there was");
  expect(chat.messages).toEqual(["Once upon a time there was"]);
});
