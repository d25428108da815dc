import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../fakes/wechat/connected-wechat.ts";
import { IlinkWorld, RecordedSeats } from "../fakes/wechat/ilink-world.ts";

let world: IlinkWorld;
let seats: RecordedSeats;

beforeEach(async () => {
  world = await IlinkWorld.start({ holdMs: 50 });
  seats = new RecordedSeats();
});

afterEach(async () => {
  await world.stop();
});

describe("signing in to iLink", () => {
  it("shows a code when nobody is signed in, and another one when it is over", async () => {
    const source = await world.startSource(seats);
    expect(source.isWaitingForLogin).toBe(true);
    const first = await world.code();
    await until(() => seats.codes.length === 1);
    first.expire();
    const second = await world.code(1);
    await until(() => seats.codes.length === 2);
    expect(seats.codes).toEqual([first.content, second.content]);
    expect(source.problem).toBeNull();
  });

  it("stops making codes for a terminal after a while, and waits for a page", async () => {
    const source = await world.startSource(seats);
    for (let count = 0; count < 12; count += 1) (await world.code(count)).expire();
    await until(() => world.server.callsOf("get_qrcode_status").length >= 12);
    await source.stop();
    expect(world.server.codes).toHaveLength(12);
  });

  it("asks nobody to scan when somebody is remembered", async () => {
    const first = await world.startSource(seats);
    const person = world.server.addPerson("zhang");
    world.server.confirm(await world.code(), person);
    await until(() => seats.seats.size === 1);
    await first.stop();
    const again = new RecordedSeats();
    const source = await world.startSource(again);
    expect([...again.seats.keys()]).toEqual([person.id]);
    expect(source.isWaitingForLogin).toBe(false);
    expect(world.server.codes).toHaveLength(1);
  });

  it("replaces the login of a person who scans once more", async () => {
    const source = await world.startSource(seats);
    const person = world.server.addPerson("zhang");
    world.server.confirm(await world.code(), person);
    await until(() => seats.seats.size === 1);
    const before = seats.seats.get(person.id);
    world.server.expireToken(person);
    await before?.showTyping?.(person.id);
    const puppet = await before?.createPuppet();
    await puppet?.start();
    await until(() => seats.gone.length === 1);
    await puppet?.stop();
    world.server.confirm(await world.code(1), person);
    await until(() => seats.seats.size === 1);
    expect(seats.seats.get(person.id)).not.toBe(before);
    await expect(before?.createPuppet()).rejects.toThrow();
    expect(seats.gone).toEqual([person.id]);
    expect(source.isWaitingForLogin).toBe(false);
  });

  it("shows iLink the tokens it holds, so that a person is not signed in twice", async () => {
    await world.startSource(seats);
    const tokens: string[] = [];
    for (const name of ["a", "b"]) {
      const code = await world.code(tokens.length);
      tokens.unshift(world.server.confirm(code, world.server.addPerson(name)));
      await until(() => seats.seats.size === tokens.length);
      await openPage();
    }
    const last = await world.code(2);
    expect(last.shownTokens).toEqual(tokens);
  });

  it("follows iLink to another host of its own, and to no other", async () => {
    await world.startSource(seats);
    const code = await world.code();
    code.redirect("evil.example:443");
    await until(() => world.log.lines.some(({ sentence }) => sentence.includes("redirects")));
    world.server.confirm(code, world.server.addPerson("zhang"));
    await until(() => seats.seats.size === 1);

    await openPage();
    const next = await world.code(1);
    const other = await IlinkWorld.start();
    other.server.codes.push(next);
    next.redirect(new URL(other.server.url).host);
    await until(() => other.server.callsOf("get_qrcode_status").length > 0);
    await other.stop();
  });

  it("sends no token to an address that is not iLink's", async () => {
    world.server.baseUrlTold = "https://weixin.qq.com.evil.example";
    await world.startSource(seats);
    const person = world.server.addPerson("zhang");
    world.server.confirm(await world.code(), person);
    await until(() => seats.seats.size === 1);
    const puppet = await seats.seats.get(person.id)?.createPuppet();
    await puppet?.start();
    await until(() => world.server.callsOf("getupdates").length > 0);
    await puppet?.stop();
  });

  it("says that iLink is away, and goes on when it is back", async () => {
    await world.server.cut();
    const source = await world.startSource(seats);
    await until(() => source.problem !== null);
    expect(source.problem).toContain("iLink");
    await world.server.restore();
    await until(() => seats.codes.length === 1);
    expect(source.problem).toBeNull();
  });

  it("survives answers that are none", async () => {
    world.server.failNext("get_bot_qrcode", { status: 503 });
    world.server.failNext("get_bot_qrcode", { ret: -1 });
    world.server.failNext("get_qrcode_status", { status: 200 });
    await world.startSource(seats);
    world.server.confirm(await world.code(), world.server.addPerson("zhang"));
    await until(() => seats.seats.size === 1);
  });

  it("does not open a token that another SECRET_KEY sealed, and keeps it", async () => {
    await world.memory.write("login:zhang@im.wechat", "sealed:v1:AAAA");
    const source = await world.startSource(seats);
    expect(source.isWaitingForLogin).toBe(true);
    expect(world.log.lines.some(({ level }) => level === "error")).toBe(true);
    expect(await world.memory.read("login:zhang@im.wechat")).not.toBeNull();
  });
});

/** What makes one more code. */
async function openPage(): Promise<void> {
  const route = world.source.routes.find(({ path }) => path === "/wechat");
  const connection = { remoteAddress: "127.0.0.1", closing: new AbortController().signal };
  await route?.handle(new Request("http://localhost/wechat"), connection);
}
