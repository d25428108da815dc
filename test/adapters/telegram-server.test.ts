import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TelegramServer } from "../fakes/telegram-server.ts";

// The local Telegram is what all other tests believe in, so what it refuses is checked here.

let server: TelegramServer;
let person = 4_000;

beforeAll(async () => {
  server = await TelegramServer.start({ settings: { rateLimits: false } });
});
afterAll(async () => {
  await server.stop();
});
beforeEach(() => {
  person += 1;
  server.user(person).writes("/start");
});

interface Answer {
  readonly ok: boolean;
  readonly error_code?: number;
  readonly description?: string;
  readonly result?: Record<string, unknown>;
}

async function call(method: string, body: unknown, token = server.token): Promise<Answer> {
  const response = await fetch(`${server.url}/bot${token}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const answer = (await response.json()) as Answer;
  expect(response.status).toBe(answer.ok ? 200 : answer.error_code);
  return answer;
}

const send = (more: object) => call("sendMessage", { chat_id: person, text: "hello", ...more });
const refusal = async (answer: Promise<Answer>) => (await answer).description;

describe("the local Telegram refuses", () => {
  it("wrong tokens and unknown methods", async () => {
    const wrong = "7000001:AAWrongTokenWrongTokenWrongTokenWrong0";
    expect(await call("getMe", {}, wrong)).toMatchObject({
      error_code: 401,
      description: "Unauthorized",
    });
    expect(await call("getMe", {}, "x")).toMatchObject({ error_code: 404 });
    expect(await call("getMee", {})).toMatchObject({
      error_code: 404,
      description: "Not Found: method not found",
    });
    expect(await call("GETME", {})).toMatchObject({ ok: true, result: { id: 7_000_001 } });
  });

  it.each([
    [{ text: "" }, "message text is empty"],
    [{ text: "  \n" }, "text must be non-empty"],
    [{ text: "x".repeat(4_097) }, "message is too long"],
    [{ chat_id: "" }, "chat_id is empty"],
    [{ chat_id: 0 }, "chat not found"],
    [{ chat_id: "@nobody" }, "chat not found"],
    [{ message_thread_id: 9 }, "message thread not found"],
    [{ reply_parameters: { message_id: 999 } }, "message to be replied not found"],
    [{ reply_parameters: {} }, 'can\'t find field "message_id"'],
    [{ parse_mode: "INVALID" }, "unsupported parse_mode"],
    [{ texts: "x" }, 'method sendMessage has no parameter "texts"'],
    [{ text: 5 }, 'field "text" must be of type String'],
    [
      { link_preview_options: { is_disabled: "yes" } },
      'field "is_disabled" must be of type Boolean',
    ],
    [{ reply_markup: { inline_keyboard: "bad" } }, 'field "inline_keyboard" must be of type Array'],
    [
      { reply_markup: { inline_keyboard: [[{ text: "x" }]] } },
      "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [
      { reply_markup: { inline_keyboard: [[{ text: "x", callback_data: `${"é".repeat(32)}x` }]] } },
      "BUTTON_DATA_INVALID",
    ],
  ])("a message with %j", async (more, reason) => {
    expect(await refusal(send(more))).toBe(`Bad Request: ${reason}`);
  });

  it.each([
    [
      { type: "odd", offset: 0, length: 1 },
      "can't parse MessageEntity: Unsupported type specified",
    ],
    [{ type: "bold", offset: -1, length: 1 }, "receive an entity with incorrect offset -1"],
    [{ type: "bold", offset: 0, length: 0 }, "receive an entity with incorrect length 0"],
    [
      { type: "bold", offset: 100, length: 1 },
      "entity begins after the end of the text at UTF-16 offset 100",
    ],
    [
      { type: "bold", offset: 0, length: 100 },
      "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 100",
    ],
    [
      { type: "bold", offset: 2, length: 2 },
      "entity begins in a middle of a UTF-16 symbol at byte offset 5",
    ],
    [
      { type: "bold", offset: 0, length: 2 },
      "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 5",
    ],
    [
      { type: "text_link", offset: 0, length: 1, url: "not-a-url" },
      "entity URL 'not-a-url' is invalid: Wrong HTTP URL",
    ],
    [
      { type: "text_link", offset: 0, length: 1, url: "" },
      "entity URL '' is invalid: URL host is empty",
    ],
    [
      { type: "text_link", offset: 0, length: 1, url: "mailto:a@b.co" },
      "entity URL 'mailto:a@b.co' is invalid: Unsupported URL protocol",
    ],
  ])("the entity %j", async (entity, reason) => {
    const answer = send({ text: "a😀b", entities: [entity] });
    expect(await refusal(answer)).toMatch(`Bad Request: ${reason}`);
  });

  it.each([
    [
      ["bold", 0, 3],
      ["italic", 2, 3],
    ],
    [
      ["bold", 0, 3],
      ["code", 1, 1],
    ],
    [
      ["code", 0, 3],
      ["bold", 0, 3],
    ],
    [
      ["pre", 0, 3],
      ["text_link", 1, 1],
    ],
    [
      ["blockquote", 0, 3],
      ["blockquote", 1, 1],
    ],
    [
      ["bold", 0, 3],
      ["bold", 1, 1],
    ],
  ])("entities nested as %j in %j", async (...pair) => {
    const entities = pair.map(([type, offset, length]) => ({
      type,
      offset,
      length,
      ...(type === "text_link" && { url: "https://a.b" }),
    }));
    expect((await send({ entities })).ok).toBe(false);
  });

  it.each([
    [
      "MarkdownV2",
      "hello.",
      "Character '.' is reserved and must be escaped with the preceding '\\'",
    ],
    ["MarkdownV2", "a *b", "Can't find end of Bold entity at byte offset 2"],
    ["MarkdownV2", "`a", "Can't find end of Code entity at byte offset 0"],
    ["MarkdownV2", "*a _b* c_", "Can't find end of Italic entity at byte offset 3"],
    ["HTML", "<b>a", 'Can\'t find end tag corresponding to start tag "b"'],
    ["HTML", "<script>a</script>", 'Unsupported start tag "script" at byte offset 0'],
    [
      "HTML",
      "<b><i>test</b></i>",
      'Unmatched end tag at byte offset 10, expected "</i>", found "</b>"',
    ],
  ])("%s that is %j", async (parse_mode, text, reason) => {
    const answer = send({ text, parse_mode });
    expect(await refusal(answer)).toBe(`Bad Request: can't parse entities: ${reason}`);
  });

  it("half an emoji, and what is no JSON", async () => {
    expect(await refusal(send({ text: "\ud83d" }))).toContain("encoded in UTF-8");
    expect((await call("sendMessage", "{")).error_code).toBe(400);
  });

  it("edits that change nothing, come too late or touch what others wrote", async () => {
    const { result } = await send({});
    const id = result?.message_id;
    const edit = (more: object) =>
      call("editMessageText", { chat_id: person, message_id: id, text: "hello", ...more });
    expect(await refusal(edit({}))).toMatch(/^Bad Request: message is not modified: /);
    expect(await refusal(edit({ text: "x".repeat(4_097) }))).toBe("Bad Request: MESSAGE_TOO_LONG");
    expect(await refusal(edit({ message_id: 1 }))).toBe("Bad Request: message can't be edited");
    expect((await edit({ text: "other" })).ok).toBe(true);
    await call("deleteMessage", { chat_id: person, message_id: id });
    expect(await refusal(edit({}))).toBe("Bad Request: message to edit not found");
  });

  it("late and double answers to a button press", async () => {
    const reply_markup = { inline_keyboard: [[{ text: "x", callback_data: "x" }]] };
    const { result } = await send({ reply_markup });
    const press = server.user(person).presses(Number(result?.message_id), "x");
    const answer = () => call("answerCallbackQuery", { callback_query_id: press.id });
    expect((await answer()).ok).toBe(true);
    const late = "query is too old and response timeout expired or query ID is invalid";
    expect(await refusal(answer())).toBe(`Bad Request: ${late}`);
  });

  it("commands that are none", async () => {
    const set = (command: string, description = "d") =>
      refusal(call("setMyCommands", { commands: [{ command, description }] }));
    expect(await set("Upper")).toBe("Bad Request: BOT_COMMAND_INVALID");
    expect(await set("")).toBe("Bad Request: command must be non-empty");
    expect(await set("a", "")).toBe("Bad Request: command description must be non-empty");
    expect(await set("a")).toBeUndefined();
  });
});

describe("the local Telegram accepts", () => {
  it("MarkdownV2 and HTML, and shows what they mean", async () => {
    const v2 = "*bold _both_* `c\\`ode` [l](https://a.b) \\.\n>quote";
    await send({ text: v2, parse_mode: "MarkdownV2" });
    const html = "<b>bold <i>both</i></b> <pre><code class='language-x'>c</code></pre> 1 &lt; 2";
    await send({ text: html, parse_mode: "HTML" });
    const [, first, second] = server.messages(person);
    expect(first?.text).toBe("bold both c`ode l .\nquote");
    expect(first?.entities.map(({ type }) => type).toSorted()).toEqual([
      "blockquote",
      "bold",
      "code",
      "italic",
      "text_link",
    ]);
    expect(second?.text).toBe("bold both c 1 < 2");
    expect(second?.entities.map(({ type }) => type).toSorted()).toEqual(["bold", "italic", "pre"]);
  });

  it("parameters in the address and in a form", async () => {
    const query = new URLSearchParams({ chat_id: String(person), text: "by address" });
    const path = `${server.url}/bot${server.token}/sendMessage`;
    expect((await fetch(`${path}?${query}`)).status).toBe(200);
    const form = new FormData();
    form.set("chat_id", String(person));
    form.set("text", "by form");
    expect((await fetch(path, { method: "POST", body: form })).status).toBe(200);
    expect(server.messages(person).map(({ text }) => text)).toEqual([
      "/start",
      "by address",
      "by form",
    ]);
  });
});
