import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { generateSnowflake } from "discord-digital-twin";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { IncomingAttachment } from "../../src/core/chat/incoming-message.ts";
import { ConnectedDiscord, DiscordWorld } from "../fakes/discord/connected-discord.ts";

const PICTURE = Buffer.from("89504e470d0a1a0a0000", "hex");
const NOTES = Buffer.from("第一行\nline two");
/** What the content network answers by path. */
const FILES: Readonly<Record<string, Buffer>> = { "/cat.png": PICTURE, "/notes.md": NOTES };

let world: DiscordWorld;
let discord: ConnectedDiscord;
let files: Server;

beforeAll(async () => {
  world = await DiscordWorld.start();
  discord = await ConnectedDiscord.start(world);
  files = createServer(({ url = "" }, response) => {
    const file = FILES[url];
    if (file !== undefined) response.end(file);
    else if (url === "/moved.png") response.writeHead(302, { location: "/cat.png" }).end();
    else response.writeHead(url === "/broken.png" ? 503 : 404).end();
  });
  await new Promise<void>((resolve) => files.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  await discord[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
  files.closeAllConnections();
  await new Promise((resolve) => files.close(resolve));
});

function file(name: string, size: number, type?: string) {
  const root = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
  return { filename: name, size, url: `${root}/${name}`, content_type: type };
}

/** A person sends files; resolves with what the core gets of them. */
async function send(
  attachments: readonly object[],
  more: object = {},
): Promise<readonly IncomingAttachment[]> {
  const id = generateSnowflake();
  world.gateway.broadcast("MESSAGE_CREATE", {
    ...{ id, channel_id: await world.directChannel(world.ann), type: 0, content: "" },
    ...{ author: { id: world.ann, username: "Ann" }, attachments, ...more },
  });
  const message = () => discord.core.messages.find((one) => one.id === id);
  await vi.waitFor(() => expect(message()).toBeDefined(), { timeout: 8_000, interval: 20 });
  return message()?.attachments ?? [];
}

describe("files that a person sends", () => {
  it("arrive as pictures and texts, byte for byte", async () => {
    const [picture, notes] = await send([
      file("cat.png", PICTURE.length, "image/png"),
      file("notes.md", NOTES.length),
    ]);
    expect(picture).toMatchObject({ kind: "image", mediaType: "image/png" });
    expect(Buffer.from((await picture?.load(1_000)) ?? [])).toEqual(PICTURE);
    expect(notes).toMatchObject({ kind: "text", name: "notes.md" });
    expect(Buffer.from((await notes?.load(1_000)) ?? [])).toEqual(NOTES);
  });

  it("arrive in a server too, where the message mentions us and nothing else may be read", async () => {
    const [picture] = await send([file("cat.png", PICTURE.length, "image/png")], {
      ...{ guild_id: world.guildId, channel_id: world.channel },
      content: `<@${world.botId}> what is this?`,
    });
    expect(Buffer.from((await picture?.load(1_000)) ?? [])).toEqual(PICTURE);
  });

  it("are loaded up to the size that is allowed, whatever Discord said it was", async () => {
    const honest = await send([file("cat.png", PICTURE.length, "image/png")]);
    expect(await honest[0]?.load(PICTURE.length)).toHaveLength(PICTURE.length);
    const tooLarge = { code: "attachment_too_large" };
    await expect(honest[0]?.load(PICTURE.length - 1)).rejects.toMatchObject(tooLarge);
    const understated = await send([file("cat.png", 1, "image/png")]);
    await expect(understated[0]?.load(PICTURE.length - 1)).rejects.toMatchObject(tooLarge);
  });

  it.each([
    ["gone.png", "rejected"],
    ["broken.png", "overloaded"],
    // A redirection could lead into the operator's own network.
    ["moved.png", "unreachable"],
  ])("%s cannot be loaded, and the core is told why: %s", async (name, kind) => {
    const [attachment] = await send([file(name, 10, "image/png")]);
    await expect(attachment?.load(1_000)).rejects.toMatchObject({ party: "discord", kind });
  });
});
