import { describe, expect, it } from "vitest";
import type { CommandMenu } from "../../src/adapters/telegram/telegram-commands.ts";
import { ConnectedTelegram } from "../fakes/telegram/connected-telegram.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";

const menu: CommandMenu = {
  people: {
    en: [
      { name: "help", description: "What can be done here" },
      { name: "buy", description: "Buy credit" },
    ],
    zh: [{ name: "help", description: "能做什么" }],
    "pt-BR": [{ name: "help", description: "O que dá para fazer" }],
  },
  admins: { en: [{ name: "grant", description: "Give credit" }] },
  adminChats: ["-100500", "77"],
};

/** Starts with that menu and waits until it was gone through. */
async function publish(server: TelegramServer, commandMenu: CommandMenu) {
  server.calls.length = 0;
  await using telegram = await ConnectedTelegram.start({ server, commandMenu });
  const { lines } = telegram.log;
  await server.waitFor(() => lines.some(({ sentence }) => sentence === "command menu checked"));
  return lines;
}

async function withServer(test: (server: TelegramServer) => Promise<void>): Promise<void> {
  const server = await TelegramServer.start();
  server.group(-100_500);
  server.user(77).writes("/start");
  try {
    await test(server);
  } finally {
    await server.stop();
  }
}

const written = (server: TelegramServer) =>
  server
    .callsOf("setMyCommands")
    .filter(({ code }) => code === 200)
    .map(({ parameters }) => parameters);

describe("the command menu", () => {
  it("is written by language, with English for the others, and with its own for admin chats", () =>
    withServer(async (server) => {
      await publish(server, menu);
      const { commands } = server.state;
      expect(Object.fromEntries(commands)).toEqual({
        default: [
          { command: "help", description: "What can be done here" },
          { command: "buy", description: "Buy credit" },
        ],
        "default/en": commands.get("default"),
        "default/zh": [{ command: "help", description: "能做什么" }],
        "default/pt": [{ command: "help", description: "O que dá para fazer" }],
        "chat:-100500": [{ command: "grant", description: "Give credit" }],
        "chat:-100500/en": [{ command: "grant", description: "Give credit" }],
        "chat:77": [{ command: "grant", description: "Give credit" }],
        "chat:77/en": [{ command: "grant", description: "Give credit" }],
      });
    }));

  it("is left alone where nothing changed, and written where something did", () =>
    withServer(async (server) => {
      await publish(server, menu);
      await publish(server, menu);
      expect(written(server)).toEqual([]);
      const zh = [{ name: "help", description: "帮助" }];
      await publish(server, { ...menu, people: { ...menu.people, zh } });
      expect(written(server)).toMatchObject([{ language_code: "zh" }]);
    }));

  it("is cut to what Telegram takes", () =>
    withServer(async (server) => {
      const en = Array.from({ length: 101 }, (_, index) => ({
        name: `c${index}`,
        description: "d".repeat(257),
      }));
      await publish(server, { people: { en }, admins: {}, adminChats: [] });
      const commands = server.state.commands.get("default");
      expect(commands).toHaveLength(100);
      expect(commands?.[0]).toEqual({ command: "c0", description: "d".repeat(256) });
    }));

  it("does without a chat that Telegram does not know, and says so in the log", () =>
    withServer(async (server) => {
      const lines = await publish(server, { ...menu, adminChats: ["-999", "77"] });
      expect(server.state.commands.has("chat:77")).toBe(true);
      expect(lines).toContainEqual(
        expect.objectContaining({ level: "warn", sentence: "command menu not updated" }),
      );
    }));

  it("is tried again after a flood limit", () =>
    withServer(async (server) => {
      const description = "Too Many Requests: retry after 9";
      server.fail("setMyCommands", { code: 429, description, retryAfter: 9 });
      await publish(server, menu);
      expect(server.state.commands.size).toBe(8);
    }));
});
