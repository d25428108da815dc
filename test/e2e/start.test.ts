import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RunningProgram } from "../fakes/running-program.ts";

async function refusal(env: Record<string, string>): Promise<{ code: unknown; errors: string }> {
  await using program = await RunningProgram.launch(env);
  return { code: await program.ended(), errors: program.errors };
}

describe("starting the program", { timeout: 60_000 }, () => {
  it("names every fault of the environment in one message and repeats no secret", async () => {
    const { code, errors } = await refusal({
      PORT: "70000",
      ROLE: "boss",
      DATABASE_URL: "mysql://u:hunter2@localhost/x",
      REDIS_URL: "http://localhost",
      TELEGRAM_BOT_TOKEN: "s3cret-but-wrong",
      TRIAL_MESSAGES: "-1",
      ADMIN_CHATS: "telegram",
      WEB_CHAT: "maybe",
      OPENAI_PRICE: "cheap",
      SECRET_KEY: "short",
    });
    expect(code).toBe(1);
    for (const name of [
      "PORT",
      "ROLE",
      "DATABASE_URL",
      "REDIS_URL",
      "TELEGRAM_BOT_TOKEN",
      "TRIAL_MESSAGES",
      "ADMIN_CHATS",
      "WEB_CHAT",
      "OPENAI_PRICE",
      "SECRET_KEY",
    ]) {
      expect(errors).toContain(`${name}: `);
    }
    expect(errors).not.toContain("hunter2");
    expect(errors).not.toContain("s3cret-but-wrong");
    expect(errors).not.toContain("    at ");
  });

  it("asks for an https address where Telegram is to call us", async () => {
    const webhook = { TELEGRAM_BOT_TOKEN: "1:abcdefghijk", TELEGRAM_MODE: "webhook" };
    expect((await refusal(webhook)).errors).toContain("PUBLIC_URL: ");
    const plain = await refusal({ ...webhook, PUBLIC_URL: "http://bot.example" });
    expect(plain.errors).toContain("PUBLIC_URL: ");
  });

  it("names the path and the reason of every fault of the configuration file", async () => {
    const path = join(tmpdir(), `dianka-config-${process.pid}.json`);
    await writeFile(
      path,
      JSON.stringify({
        currency: "dollars",
        upstreams: [{ name: "a", baseUrl: "ftp://x", keys: ["env:NOT_SET_ANYWHERE"], models: {} }],
        models: [{ name: "m", input: "cheap", output: "1" }],
        surprise: 1,
      }),
    );
    const { code, errors } = await refusal({ DIANKA_CONFIG: path });
    expect(code).toBe(1);
    for (const fault of [
      "currency: ",
      "upstreams.0.baseUrl: ",
      "upstreams.0.models: ",
      "models.0.input: ",
      "surprise",
    ]) {
      expect(errors).toContain(fault);
    }
    await writeFile(path, '{ "currency": ');
    expect((await refusal({ DIANKA_CONFIG: path })).errors).toContain("not valid JSON");
    expect((await refusal({ DIANKA_CONFIG: `${path}.missing` })).errors).toContain("no such file");
  });

  it("says in one sentence that its port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    try {
      const { code, errors } = await refusal({ PORT: port });
      expect(code).toBe(1);
      expect(errors).toContain(port);
      expect(errors).not.toContain("    at ");
    } finally {
      server.close();
    }
  });

  it("serves the web chat on its own database, and again after kill -9", async () => {
    const dataDir = join(tmpdir(), `dianka-data-${process.pid}`);
    const first = await RunningProgram.start({ DATA_DIR: dataDir });
    expect((await fetch(`${first.url}/`)).status).toBe(200);
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
    first.signal("SIGKILL");
    await first.ended();
    await using second = await RunningProgram.start({ DATA_DIR: dataDir });
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
    const banner = /admin-chat#(\S+)/;
    expect(banner.exec(second.output)?.[1]).toBe(banner.exec(first.output)?.[1]);
    second.signal("SIGINT");
    expect(await second.ended()).toBe(0);
    await first[Symbol.asyncDispose]();
  });
});
