import { beforeEach, describe, expect, it } from "vitest";
import { LoginCodes } from "../../src/app/login-codes.ts";
import { readConfig } from "../../src/config.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const CODE = { page: "/wechat", code: "https://liteapp.weixin.qq.com/q/abc" };
const DAY_MS = 24 * 60 * 60_000;

let clock: FakeClock;
let printed: string[];
/** As the store of notices does, each cause once. */
let told: Map<string, string>;
let codes: LoginCodes;

beforeEach(() => {
  clock = new FakeClock();
  printed = [];
  told = new Map();
  codes = open();
});

function open(): LoginCodes {
  return new LoginCodes({
    config: readConfig({ PUBLIC_URL: "https://dianka.example", PORT: "1" }, import.meta.dirname),
    notices: {
      async toAdmins(cause, text) {
        told.set(cause, text);
      },
    },
    terminal: {
      isTTY: true,
      write: (text: string | Uint8Array) => {
        printed.push(String(text));
        return true;
      },
    },
    clock,
    log: new RecordedLog(),
  });
}

const wechat = (isWaitingForLogin: boolean) => ({ platform: "wechat", isWaitingForLogin });

describe("a login code", () => {
  it("is drawn in the terminal each time, and told to admins once a day", async () => {
    await codes.tell(wechat(true), CODE);
    await codes.tell(wechat(true), CODE);
    expect(printed).toHaveLength(2);
    expect(printed[0]).toContain("https://dianka.example/wechat");
    expect(printed[0]).toContain("▀");
    await open().tell(wechat(true), CODE);
    expect([...told.values()]).toEqual([expect.stringContaining("https://dianka.example/wechat")]);
    await clock.advance(DAY_MS);
    await codes.tell(wechat(true), CODE);
    expect(told.size).toBe(2);
  });

  it("is told again when nobody is connected any more", async () => {
    await codes.tell(wechat(true), CODE);
    codes.heard("wechat");
    await clock.advance(1_000);
    await codes.tell(wechat(true), CODE);
    expect(told.size).toBe(2);
    await codes.tell(wechat(true), CODE);
    expect(told.size).toBe(2);
  });

  it("is not told for each of many people who are signed out, nor for another platform", async () => {
    await codes.tell(wechat(true), CODE);
    codes.heard("telegram");
    await codes.tell(wechat(true), CODE);
    codes.heard("wechat");
    await codes.tell(wechat(false), CODE);
    await codes.tell(wechat(false), CODE);
    expect(told.size).toBe(1);
  });
});
