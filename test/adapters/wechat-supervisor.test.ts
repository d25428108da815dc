import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import type { BotSeat } from "../../src/adapters/wechat/bot-source.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { ConnectedWechat, chat, LabSource, until } from "../fakes/wechat/connected-wechat.ts";
import { BOT_ID, type LabPuppet } from "../fakes/wechat/lab-puppet.ts";

const WAITING = 2;
const SCANNED = 3;

interface Started {
  readonly wechat: ConnectedWechat;
  readonly clock: FakeClock;
  readonly starting: Promise<void>;
}
const started: Started[] = [];

function connect(
  seat: Partial<BotSeat> = {},
  onPuppet: (puppet: LabPuppet, isFirst: boolean) => void = () => {},
) {
  const clock = new FakeClock();
  const source = new LabSource([seat]);
  source.onPuppet = (puppet) => onPuppet(puppet, source.puppets.length === 0);
  const wechat = new ConnectedWechat(source, { clock });
  started.push({ wechat, clock, starting: wechat.start() });
  const { adapter } = wechat;
  return { clock, source, wechat, adapter };
}

/** Lets time pass in steps until it has happened: wechaty works in real time meanwhile. */
async function passUntil(clock: FakeClock, condition: () => boolean, limitMs = 60_000) {
  const startMs = clock.now().getTime();
  while (!condition()) {
    if (clock.now().getTime() - startMs > limitMs) throw new Error("it did not happen in time");
    await clock.advance(250);
  }
  return clock.now().getTime() - startMs;
}

afterEach(async () => {
  for (const { wechat, clock, starting } of started.splice(0)) {
    let isStopped = false;
    const stopped = wechat.adapter.stop().then(() => {
      isStopped = true;
    });
    await passUntil(clock, () => isStopped);
    await Promise.all([stopped, starting]);
  }
});

const text = { text: "hi", format: "plain", buttons: [], replyTo: null } as const;

describe("a bot that a person has to log in", () => {
  const showCode = (puppet: LabPuppet) => {
    puppet.logsIn = false;
    puppet.once("start", () => {
      puppet.emit("scan", { qrcode: "code-1", status: WAITING });
    });
  };

  it("waits as long as codes come, tells each of them and then works", async () => {
    const { clock, source, wechat, adapter } = connect({}, showCode);
    await until(() => adapter.loginCode === "code-1");
    expect(adapter).toMatchObject({ problem: null, isWaitingForLogin: true });
    await clock.advance(240_000);
    source.puppet.emit("scan", { qrcode: "code-2", status: WAITING });
    await clock.advance(240_000);
    source.puppet.emit("scan", { qrcode: "code-2", status: SCANNED });
    source.puppet.login(BOT_ID);
    await until(() => !adapter.isWaitingForLogin);
    expect(adapter).toMatchObject({ problem: null, loginCode: null });
    expect(source.puppets).toHaveLength(1);
    expect(wechat.handlers.loginCodes).toEqual([
      { page: "/wechat", code: "code-1" },
      { page: "/wechat", code: "code-2" },
    ]);
  });

  it("is made anew when no further code comes", async () => {
    const { clock, source, adapter } = connect({}, showCode);
    await until(() => adapter.loginCode === "code-1");
    await clock.advance(299_000);
    expect(source.puppets).toHaveLength(1);
    await passUntil(clock, () => source.puppets.length === 2);
  });

  it("goes on when its code cannot be told to anybody", async () => {
    const { source, wechat, adapter } = connect({}, showCode);
    wechat.handlers.onLoginCode = () => Promise.reject(new Error("no admin chat"));
    await until(() => wechat.log.lines.some(({ sentence }) => /not handled/.test(sentence)));
    source.puppet.login(BOT_ID);
    await until(() => adapter.problem === null && !adapter.isWaitingForLogin);
  });
});

describe("a bot that fails", () => {
  it("is made anew when it does not log in within the deadline", async () => {
    const { clock, source, adapter } = connect({}, (puppet, isFirst) => {
      puppet.logsIn = !isFirst;
    });
    await until(() => source.puppets[0]?.state.active() === true);
    await clock.advance(19_000);
    expect(source.puppets).toHaveLength(1);
    expect(adapter.problem).toBe("WeChat is not connected yet");
    await passUntil(clock, () => source.puppets.length === 2, 10_000);
    await until(() => adapter.problem === null);
  });

  it("is made anew when there was no puppet at all, with growing pauses", async () => {
    let tries = 0;
    const lab = new LabSource();
    const { clock, source, adapter } = connect({
      createPuppet: () => {
        tries += 1;
        if (tries < 6) throw new Error("connection refused");
        return lab.seat().createPuppet();
      },
    });
    expect(source.puppets).toEqual([]);
    await until(() => tries === 1);
    await until(() => adapter.problem === "WeChat cannot be connected");
    await passUntil(clock, () => tries === 3, 2_000 + 4_000 + 500);
    const waitedMs = await passUntil(clock, () => tries === 5);
    expect(waitedMs).toBeGreaterThanOrEqual(7_500);
    expect(waitedMs).toBeLessThanOrEqual(8_500);
    await passUntil(clock, () => tries === 6);
    await until(() => adapter.problem === null);
  });

  it("is not ended by errors, and its log stays short and says nothing of people", async () => {
    const { source, wechat, adapter } = connect();
    await until(() => adapter.problem === null);
    for (let count = 0; count < 200; count += 1) {
      source.puppet.emit("error", new Error('no payload found for "card AAAA-BBBB"'));
    }
    await source.puppet.roomAdd("room@chatroom", "nobody-known");
    source.puppet.hear({ from: "zhang", text: "still here?" });
    expect(await wechat.nextMessage()).toMatchObject({ text: "still here?" });
    expect(source.puppets).toHaveLength(1);
    const lines = wechat.log.lines.filter(({ sentence }) => sentence.startsWith("wechat error"));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(5);
    expect(JSON.stringify(wechat.log.lines)).not.toContain("AAAA");
  });

  it("may log in again by itself after a logout", async () => {
    const { clock, source, adapter } = connect();
    await until(() => adapter.problem === null);
    await source.puppet.logout("network");
    await until(() => adapter.problem !== null);
    await clock.advance(15_000);
    source.puppet.login(BOT_ID);
    await until(() => adapter.problem === null);
    expect(source.puppets).toHaveLength(1);
  });

  it("is made anew after a logout that lasts", async () => {
    const { clock, source, adapter } = connect();
    await until(() => adapter.problem === null);
    await source.puppet.logout("kicked out");
    await passUntil(clock, () => source.puppets.length === 2, 25_000);
    await until(() => adapter.problem === null);
    await adapter.send(chat("zhang"), text);
    expect(source.puppet.sent).toHaveLength(1);
  });

  it("is made anew also when the old one does not stop, and only one at a time", async () => {
    const stuck = Promise.withResolvers<void>();
    const { clock, source, adapter } = connect({}, (puppet, isFirst) => {
      if (isFirst) puppet.onStop = () => stuck.promise;
    });
    await until(() => adapter.problem === null);
    await source.puppet.logout("kicked out");
    await clock.advance(22_000);
    expect(source.puppets).toHaveLength(1);
    await passUntil(clock, () => source.puppets.length === 2, 10_000);
    await until(() => adapter.problem === null);
    stuck.resolve();
  });
});

describe("a bot whose peer can be asked", () => {
  function askable() {
    const peer = { isUp: true, asked: 0 };
    const probe = async () => {
      peer.asked += 1;
      if (!peer.isUp) throw new Error("gone");
    };
    return { peer, ...connect({ probe }) };
  }

  it("is asked every few seconds", async () => {
    const { clock, adapter, peer } = askable();
    await until(() => adapter.problem === null);
    await clock.advance(20_000);
    expect(peer.asked).toBeGreaterThanOrEqual(10);
  });

  it("survives one lost answer", async () => {
    const { clock, adapter, peer, source } = askable();
    await until(() => adapter.problem === null);
    peer.isUp = false;
    const askedBefore = peer.asked;
    await passUntil(clock, () => peer.asked === askedBefore + 1);
    peer.isUp = true;
    await clock.advance(30_000);
    expect(source.puppets).toHaveLength(1);
  });

  it("is made anew soon after two, however long the peer was away", async () => {
    const { clock, adapter, peer, source } = askable();
    await until(() => adapter.problem === null);
    peer.isUp = false;
    const lostMs = await passUntil(clock, () => source.puppets.length === 2);
    expect(lostMs).toBeLessThanOrEqual(6_000);
    await passUntil(clock, () => source.puppets.length === 10, 120_000);
    peer.isUp = true;
    await until(() => adapter.problem === null || source.puppets.length > 10);
    const backMs = await passUntil(clock, () => adapter.problem === null);
    expect(backMs).toBeLessThanOrEqual(10_000);
  });

  it("counts a missing answer as lost", async () => {
    const { clock, source } = connect({ probe: () => new Promise(() => {}) });
    await until(() => source.puppets[0]?.isLoggedIn === true);
    await clock.advance(9_000);
    expect(source.puppets).toHaveLength(1);
    await passUntil(clock, () => source.puppets.length === 2, 10_000);
  });
});

describe("a program without WeChat", () => {
  it("does not load wechaty before an adapter is started", () => {
    const folder = new URL("../../src/adapters/wechat/", import.meta.url).href;
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({
        load(url, context, next) { loaded.push(url); return next(url, context); },
      });
      for (const name of ["wechat-adapter", "service-bot-source", "mock-bot-source", "unofficial-bot-source"])
        await import(${JSON.stringify(folder)} + name + ".ts");
      console.log(JSON.stringify(loaded.filter((url) => /wechaty|file-box|grpc/.test(url))));
    `;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script]);
    expect(JSON.parse(output.toString())).toEqual([]);
  });
});
