import { describe, expect, it } from "vitest";
import type { IncomingAttachment } from "../../src/core/chat/incoming-message.ts";
import { readQuestion } from "../../src/core/read-question.ts";
import { defaultChatSettings, testModel } from "../fakes/chat-settings.ts";

const PNG = Buffer.from("\x89PNG\r\n\x1a\nrest", "latin1");

function attached(
  kind: IncomingAttachment["kind"],
  mediaType: string,
  bytes: Uint8Array,
  sizeBytes = bytes.byteLength,
): IncomingAttachment {
  return { kind, name: "file.txt", mediaType, sizeBytes, load: async () => bytes };
}

const read = (text: string, attachments: readonly IncomingAttachment[], quotedText = "") =>
  readQuestion(
    {
      id: "1",
      address: { platform: "fake", bot: "1", channel: "1", thread: null },
      sender: { platformUserId: "1", displayName: "A", username: null, locale: null },
      text,
      isDirect: true,
      isEdit: false,
      quotedText: quotedText === "" ? null : quotedText,
      attachments,
      receivedAt: new Date(),
    },
    text,
    testModel,
    defaultChatSettings,
  );

describe("readQuestion", () => {
  it("puts the quoted text before the question and text files after it", async () => {
    const file = attached("text", "text/plain", Buffer.from("one\ntwo\n"));
    expect((await read("why?", [file], "so\nit is")).text).toBe(
      "> so\n> it is\n\nwhy?\n\nfile.txt:\n```\none\ntwo\n```",
    );
  });

  it("takes a picture without words", async () => {
    const { text, images } = await read("", [attached("image", "image/png", PNG)]);
    expect(text).toBe("");
    expect(images).toEqual([{ mediaType: "image/png", bytes: PNG }]);
  });

  it.each([
    ["an empty file", attached("text", "text/plain", new Uint8Array())],
    ["a file of white space", attached("text", "text/plain", Buffer.from(" \n "))],
    ["a file that is no text", attached("text", "text/plain", Uint8Array.of(0xff, 0xfe, 0x41))],
    ["a file with zero bytes", attached("text", "text/plain", Buffer.from("a\0b"))],
    ["an empty picture", attached("image", "image/png", new Uint8Array())],
    ["a picture that is none", attached("image", "image/png", Buffer.from("<html>"))],
    ["a picture of a kind no model takes", attached("image", "image/tiff", PNG)],
    ["any other file", attached("other", "application/zip", PNG)],
  ])("refuses %s, even beside a good question", async (_name, attachment) => {
    await expect(read("what is this?", [attachment])).rejects.toMatchObject({
      code: "attachment_not_supported",
    });
  });

  it("refuses what is too large, whatever size the platform stated", async () => {
    const big = Buffer.alloc(defaultChatSettings.attachmentBytesMax + 1, "a");
    for (const stated of [big.byteLength, 0]) {
      await expect(read("?", [attached("text", "text/plain", big, stated)])).rejects.toMatchObject({
        code: "attachment_too_large",
      });
    }
  });

  it.each(["", "   ", "\u200b\u200d", "\n"])(
    "refuses %j: there is nothing to answer",
    async (text) => {
      await expect(read(text, [])).rejects.toMatchObject({ code: "message_empty" });
    },
  );
});
