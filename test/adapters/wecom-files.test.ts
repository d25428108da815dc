import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { address, ConnectedWecom, WecomWorld } from "../fakes/wecom/connected-wecom.ts";

const PNG = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(500, 7)]);

let world: WecomWorld;
let wecom: ConnectedWecom;

beforeEach(async () => {
  world = await WecomWorld.start();
  wecom = await ConnectedWecom.start(world);
});

afterEach(async () => {
  await wecom[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

async function receive(content: object) {
  const { attachments } = await wecom.heard(world.server.sends(content));
  const [attachment] = attachments;
  if (attachment === undefined) throw new Error("nothing came");
  return attachment;
}

describe("a picture", () => {
  it("is fetched when it is wanted, decrypted, and told by what it is", async () => {
    const picture = await receive({ msgtype: "image", image: world.server.shelve(PNG) });
    expect(world.server.shelf.requests).toBe(0);
    expect(Buffer.from(await picture.load(10_000))).toEqual(PNG);
    expect(picture).toMatchObject({ kind: "image", mediaType: "image/png" });
  });

  it.each([31, 32, 33, 64])("of %i bytes arrives whole", async (size) => {
    const bytes = Buffer.alloc(size, 1);
    const picture = await receive({ msgtype: "image", image: world.server.shelve(bytes) });
    expect(Buffer.from(await picture.load(size))).toEqual(bytes);
  });

  it("one byte too large is refused", async () => {
    const bytes = Buffer.alloc(2_000_001, 1);
    const picture = await receive({ msgtype: "image", image: world.server.shelve(bytes) });
    await expect(picture.load(2_000_000)).rejects.toMatchObject({
      code: "attachment_too_large",
      details: { megabytes: 2 },
    });
    expect((await picture.load(2_000_001)).length).toBe(2_000_001);
  });

  it("much too large is not even read", async () => {
    const bytes = Buffer.alloc(5_000_000, 1);
    const picture = await receive({ msgtype: "image", image: world.server.shelve(bytes) });
    await expect(picture.load(1_000_000)).rejects.toMatchObject({ code: "attachment_too_large" });
  });

  it("whose address ended is refused", async () => {
    const picture = await receive({ msgtype: "image", image: world.server.shelve(PNG) });
    world.server.shelf.clear();
    await expect(picture.load(10_000)).rejects.toMatchObject({ kind: "rejected" });
  });

  it("with a wrong key is refused", async () => {
    const { url } = world.server.shelve(PNG);
    const { aeskey } = world.server.shelve(PNG);
    const picture = await receive({ msgtype: "image", image: { url, aeskey } });
    await expect(picture.load(10_000)).rejects.toMatchObject({ kind: "rejected" });
  });
});

describe("a file", () => {
  it("has the name it was given, and is read when it is wanted", async () => {
    const file = world.server.shelve(Buffer.from("a,b\n1,2\n"), "数据 2026.csv");
    const attachment = await receive({ msgtype: "file", file });
    expect(attachment).toMatchObject({ kind: "text", name: "数据 2026.csv" });
    expect(Buffer.from(await attachment.load(1_000)).toString()).toBe("a,b\n1,2\n");
  });

  it("we cannot read is told as such", async () => {
    const file = world.server.shelve(Buffer.from("zip"), "a.zip");
    expect(await receive({ msgtype: "file", file })).toMatchObject({
      kind: "other",
      name: "a.zip",
    });
  });

  it("that is away is told as such", async () => {
    const file = world.server.shelve(Buffer.from("text"), "a.txt");
    world.server.shelf.clear();
    expect(await receive({ msgtype: "file", file })).toMatchObject({ kind: "other" });
  });
});

describe("a file of ours", () => {
  it("comes with its caption", async () => {
    await wecom.hear("/cards new A 2 10m 30");
    const content = "AAAA-BBBB\nCCCC-DDDD\n";
    const file = { name: "batch A.txt", content, caption: "2 cards" };
    await wecom.adapter.sendFile(address("ann"), file);
    const [caption, sent] = world.server.seenIn("ann");
    expect(caption).toMatchObject({ text: "2 cards" });
    expect(sent?.kind).toBe("file");
    expect(world.server.uploads.file(sent?.text ?? "")).toEqual({ name: "batch_A.txt", content });
    expect(JSON.stringify(wecom.log.lines)).not.toContain("AAAA");
  });

  it("larger than one piece arrives whole", async () => {
    await wecom.hear("/export");
    const content = "0123456789abcdef".repeat(100_000);
    await wecom.adapter.sendFile(address("ann"), { name: "all.txt", content, caption: "" });
    const sent = world.server.seenIn("ann").at(-1);
    expect(world.server.uploads.file(sent?.text ?? "")?.content).toBe(content);
  });

  it("that WeCom refuses is told as such", async () => {
    await wecom.hear("/export");
    world.server.failNext("aibot_upload_media_init", 846607);
    const file = { name: "all.txt", content: "0123456789", caption: "" };
    await expect(wecom.adapter.sendFile(address("ann"), file)).rejects.toMatchObject({
      kind: "rate_limited",
    });
  });
});
