import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import {
  ServiceBotSource,
  type ServiceOptions,
} from "../../src/adapters/wechat/service-bot-source.ts";
import { ConnectedWechat, chat, until } from "../fakes/wechat/connected-wechat.ts";
import { LAB_CERTIFICATE } from "../fakes/wechat/lab-certificate.ts";
import { freeEndpoint, PuppetHost } from "../fakes/wechat/puppet-host.ts";

const TOKEN = "lab_7f3c2a90-5f0e-4f5e-9c53-2f4a2f0b7a11";
const RECOVERY_MS_MAX = 10_000;
const started: { readonly host: PuppetHost; readonly wechat: ConnectedWechat }[] = [];

async function connect(
  options: Partial<ServiceOptions> = {},
  tls: PuppetHost["options"]["tls"] = null,
) {
  const endpoint = await freeEndpoint();
  const host = new PuppetHost({ endpoint, token: TOKEN, tls });
  await host.start();
  const source = new ServiceBotSource({ token: TOKEN, endpoint, tls: "none", ...options });
  const wechat = new ConnectedWechat(source);
  started.push({ host, wechat });
  await wechat.start();
  return { host, wechat, adapter: wechat.adapter };
}

afterEach(async () => {
  for (const { host, wechat } of started.splice(0)) {
    await wechat.adapter.stop();
    await host.kill();
  }
}, 60_000);

const text = (words: string) =>
  ({ text: words, format: "plain", buttons: [], replyTo: null }) as const;

/** Milliseconds until both ways work again. */
async function measureRecovery(host: PuppetHost, wechat: ConnectedWechat): Promise<number> {
  const startMs = Date.now();
  let isHeard = false;
  while (!isHeard) {
    if (Date.now() - startMs > 60_000) throw new Error("it never came back");
    const heard = wechat.messages.length;
    host.hear({ from: "zhang", text: "are you there?" });
    await pause(200);
    isHeard = wechat.messages.length > heard;
  }
  await wechat.adapter.send(chat("zhang"), text("yes"));
  return Date.now() - startMs;
}

describe("a WeChat account at a host", () => {
  it("hears, answers, and sends and gets files", async () => {
    const { host, wechat, adapter } = await connect();
    expect(adapter.problem).toBeNull();
    const content = "x".repeat(2_000_000);
    const file = { name: "big.txt", base64: Buffer.from(content).toString("base64") };
    host.hear({ from: "zhang", text: "你好" });
    host.hear({ from: "zhang", type: "Attachment", file });
    expect(await wechat.nextMessage()).toMatchObject({ text: "你好", isDirect: true });
    const [attachment] = (await wechat.nextMessage()).attachments;
    expect(attachment).toMatchObject({ kind: "text", name: "big.txt" });
    expect(await attachment?.load(2_000_000)).toHaveLength(2_000_000);
    await expect(attachment?.load(1_999_999)).rejects.toMatchObject({
      code: "attachment_too_large",
    });
    await adapter.send(chat("zhang"), text("hello"));
    await adapter.sendFile(chat("zhang"), { name: "c.txt", content: "AAAA\n", caption: "" });
    await until(() => host.sent.length === 2);
    expect(host.sent).toMatchObject([{ to: "zhang", text: "hello" }, { file: "AAAA\n" }]);
  }, 30_000);

  it("is used again soon after its host crashed and came back", async () => {
    const { host, wechat } = await connect();
    await host.kill();
    await host.start();
    expect(await measureRecovery(host, wechat)).toBeLessThanOrEqual(RECOVERY_MS_MAX);
  }, 60_000);

  it("is used again soon after its host was away for long, and says so meanwhile", async () => {
    const { host, wechat, adapter } = await connect();
    await host.kill();
    await until(() => adapter.problem !== null, RECOVERY_MS_MAX);
    await expect(adapter.send(chat("zhang"), text("hi"))).rejects.toMatchObject({
      retryable: true,
    });
    await pause(15_000);
    await host.start();
    expect(await measureRecovery(host, wechat)).toBeLessThanOrEqual(RECOVERY_MS_MAX);
    expect(adapter.problem).toBeNull();
  }, 90_000);

  it("is used again after its host hung", async () => {
    const { host, wechat, adapter } = await connect();
    host.freeze();
    await until(() => adapter.problem !== null, 30_000);
    host.unfreeze();
    expect(await measureRecovery(host, wechat)).toBeLessThanOrEqual(RECOVERY_MS_MAX);
  }, 90_000);

  it("can be stopped and started again with the host running on", async () => {
    const { host, wechat } = await connect();
    await wechat.adapter.stop();
    const { token, endpoint } = host.options;
    const second = new ConnectedWechat(new ServiceBotSource({ token, endpoint, tls: "none" }));
    started.unshift({ host, wechat: second });
    await second.start();
    host.hear({ from: "zhang", text: "again" });
    expect(await second.nextMessage()).toMatchObject({ text: "again" });
  }, 60_000);

  it("is refused with a wrong token, which is in no log", async () => {
    const token = "lab_this-is-another-token";
    const { wechat, adapter } = await connect({ token });
    expect(adapter.problem).toBe("WeChat: the service refuses our token");
    expect(JSON.stringify(wechat.log.lines)).not.toContain("another-token");
  }, 60_000);
});

describe("a host on another machine", () => {
  const { cert, key } = LAB_CERTIFICATE;

  it("is reached over TLS with a certificate of its own", async () => {
    const tls = { caCert: cert, serverName: "wechat.lab" };
    const { host, wechat, adapter } = await connect({ tls }, { cert, key });
    expect(adapter.problem).toBeNull();
    host.hear({ from: "zhang", text: "hello" });
    expect(await wechat.nextMessage()).toMatchObject({ text: "hello" });
  }, 30_000);

  it("is not believed under another name", async () => {
    const tls = { caCert: cert, serverName: "other.lab" };
    const { adapter } = await connect({ tls }, { cert, key });
    expect(adapter.problem).toBe("WeChat cannot be connected");
  }, 60_000);

  it.each([
    ["wechat.example:8788", "none", /another machine needs TLS/],
    ["10.0.0.1:8788", "none", /another machine needs TLS/],
    ["wechat.example:8788", { caCert: "nonsense", serverName: null }, /not in PEM form/],
    ["wechat.example", "none", /host:port/],
  ] as const)("is refused at %s with TLS %j", async (endpoint, tls, problem) => {
    const source = new ServiceBotSource({ token: TOKEN, endpoint, tls });
    const wechat = new ConnectedWechat(source);
    started.push({ host: new PuppetHost({ endpoint, token: TOKEN, tls: null }), wechat });
    await wechat.start();
    expect(wechat.adapter.problem).toMatch(problem);
    await expect(wechat.adapter.send(chat("zhang"), text("hi"))).rejects.toThrow("wechat");
  });

  it.each(["127.0.0.1:1", "localhost:1", "[::1]:1"])("may do without TLS at %s", (endpoint) => {
    expect(new ServiceBotSource({ token: TOKEN, endpoint, tls: "none" }).problem).toBeNull();
  });

  it("needs a token with a name", () => {
    const options = { token: "plain-token", endpoint: "localhost:1", tls: "none" } as const;
    expect(new ServiceBotSource(options).problem).toMatch(/token/);
  });
});
