import { describe, expect, it } from "vitest";
import type { WecomFiles } from "../../src/adapters/wecom/wecom-attachment.ts";
import { readMessage, routeMessage } from "../../src/adapters/wecom/wecom-message.ts";
import { WecomMessage } from "../../src/adapters/wecom/wecom-payload.ts";

const now = new Date("2026-01-01T00:00:00Z");
const noFiles: WecomFiles = {
  describe: async () => null,
  load: async () => Buffer.from(""),
};

/** A message with the fields of the published examples. */
function payload(content: object, group: string | null = null) {
  return {
    msgid: "m1",
    aibotid: "aib_dianka",
    ...(group === null ? { chattype: "single" } : { chattype: "group", chatid: group }),
    from: { userid: "ann" },
    ...content,
  };
}

function text(content: string) {
  return { msgtype: "text", text: { content } };
}

function read(body: object, files: WecomFiles = noFiles) {
  return readMessage(WecomMessage.parse(body), { bot: "aib_dianka", now, files });
}

describe("a message of WeCom", () => {
  it("comes from one person in private", async () => {
    expect(await read(payload(text("hello")))).toEqual({
      id: "m1",
      address: { platform: "wecom", bot: "aib_dianka", channel: "ann", thread: null },
      sender: { platformUserId: "ann", displayName: "ann", username: null, locale: "zh" },
      text: "hello",
      isDirect: true,
      isEdit: false,
      quotedText: null,
      attachments: [],
      receivedAt: now,
    });
  });

  it("keeps a mention that somebody writes in private", async () => {
    expect((await read(payload(text("@Bob is my boss")))).text).toBe("@Bob is my boss");
  });

  it.each([
    ["@RobotA hello robot", "hello robot"],
    ["@RobotA\u2005hello", "hello"],
    ["@点卡助手，你好", "你好"],
    ["@RobotA /balance", "/balance"],
    ["@RobotA @Bob is late", "@Bob is late"],
    ["hello @RobotA", "hello"],
    ["mail me at a@b.example please", "mail me at a@b.example please"],
    ["@RobotA", ""],
  ])("loses the mention of the bot in a group: %j", async (content, question) => {
    const message = await read(payload(text(content), "group1"));
    expect(message.text).toBe(question);
    expect(message.isDirect).toBe(false);
    expect(message.address.channel).toBe("group1");
  });

  it("is what somebody said, as WeCom understood it", async () => {
    const spoken = { msgtype: "voice", voice: { content: "what time is it" } };
    expect((await read(payload(spoken))).text).toBe("what time is it");
  });

  it("brings the quoted message along", async () => {
    const message = await read(payload({ ...text("why?"), quote: text("the sky is blue") }));
    expect(message.quotedText).toBe("the sky is blue");
    expect(message.text).toBe("why?");
  });

  it("brings a quoted picture along", async () => {
    const quote = { msgtype: "image", image: { url: "https://files.example/1", aeskey: "k" } };
    const message = await read(payload({ ...text("@RobotA what is this?"), quote }, "group1"));
    expect(message.attachments.map(({ kind }) => kind)).toEqual(["image"]);
    expect(message.quotedText).toBeNull();
  });

  it("may be made of texts and pictures", async () => {
    const mixed = {
      msg_item: [
        { msgtype: "text", text: { content: "@RobotA compare" } },
        { msgtype: "image", image: { url: "https://files.example/1", aeskey: "k" } },
        { msgtype: "image", image: { url: "https://files.example/2", aeskey: "k" } },
      ],
    };
    const message = await read(payload({ msgtype: "mixed", mixed }, "group1"));
    expect(message.text).toBe("compare");
    expect(message.attachments.map(({ kind }) => kind)).toEqual(["image", "image"]);
  });

  it("names what it cannot use", async () => {
    const video = { msgtype: "video", video: { url: "https://files.example/1" } };
    const [attachment] = (await read(payload(video))).attachments;
    expect(attachment).toMatchObject({ kind: "other", name: "video" });
    const [unknown] = (await read(payload({ msgtype: "location" }))).attachments;
    expect(unknown).toMatchObject({ kind: "other", name: "location" });
  });
});

describe("the order of messages", () => {
  it("is one a chat", () => {
    const inPrivate = { reqId: "r", message: payload(text("hello")) };
    const inGroup = { reqId: "r", message: payload(text("@RobotA hello"), "group1") };
    expect(routeMessage(inPrivate)).toEqual({
      lane: "ann",
      person: "ann",
      overtakes: "nothing",
      batch: null,
    });
    expect(routeMessage(inGroup)).toEqual({
      lane: "group1",
      person: "ann",
      overtakes: "nothing",
      batch: null,
    });
  });

  it("lets commands pass", () => {
    const command = { reqId: "r", message: payload(text("@RobotA /stop"), "group1") };
    expect(routeMessage(command).overtakes).toBe("everything");
  });

  it("takes what it does not understand, to fail later", () => {
    expect(routeMessage({ nonsense: true })).toEqual({
      lane: "",
      person: "",
      overtakes: "nothing",
      batch: null,
    });
  });
});
