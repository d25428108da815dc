import { LocalReplyFeed } from "../../src/workers/local-reply-feed.ts";
import { replyFeedContract } from "../contract/reply-feed.contract.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

replyFeedContract("LocalReplyFeed", async () => {
  const feed = new LocalReplyFeed(new RecordedLog());
  await feed.start();
  return { here: feed, there: feed, [Symbol.asyncDispose]: () => feed.stop() };
});
