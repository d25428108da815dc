import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigFile } from "../src/config/config-file.ts";
import { Env } from "../src/config/env.ts";
import { readConfig } from "../src/config.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "dianka-config-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function withFile(content: object, env: Record<string, string> = {}) {
  await writeFile(join(directory, "dianka.config.json"), JSON.stringify(content));
  try {
    return readConfig(env, directory);
  } finally {
    await rm(join(directory, "dianka.config.json"));
  }
}

describe("readConfig", () => {
  it("works without any variable: the demo, the web chat, everything embedded", () => {
    const config = readConfig({}, directory);
    expect(config).toMatchObject({
      role: "all",
      http: { host: "127.0.0.1", port: 3000, publicUrl: null },
      databaseUrl: null,
      redisUrl: null,
      upstreams: [],
      telegram: null,
      webChat: true,
      currency: "USD",
    });
    expect(config.models.map(({ name }) => name)).toEqual(["demo"]);
  });

  it("takes a blank variable for unset", () => {
    expect(readConfig({ PORT: "", DATABASE_URL: " ", OPENAI_API_KEY: "" }, directory)).toEqual(
      readConfig({}, directory),
    );
  });

  it("closes the web chat where others could reach it, unless told otherwise", () => {
    expect(readConfig({ HOST: "0.0.0.0" }, directory).webChat).toBe(false);
    expect(readConfig({ HOST: "0.0.0.0", WEB_CHAT: "on" }, directory).webChat).toBe(true);
    expect(readConfig({ WEB_CHAT: "off" }, directory).webChat).toBe(false);
  });

  it("makes one upstream of the variables, with several keys and models, the first the default", () => {
    const config = readConfig(
      { OPENAI_API_KEY: "k1, k2", OPENAI_MODEL: "gpt-4o,mystery", OPENAI_PRICE: "1/3" },
      directory,
    );
    expect(config.upstreams).toMatchObject([{ name: "openai", keys: ["k1", "k2"] }]);
    expect(config.models.map(({ name }) => name)).toEqual(["gpt-4o", "mystery"]);
    // A known model keeps its listed price; the variable is for the others.
    expect(config.models[0]?.price.input).toBe(2_500_000n);
    expect(config.models[1]?.price).toMatchObject({
      input: 1_000_000n,
      output: 3_000_000n,
      messageCost: 1n,
    });
  });

  it("merges models of the file and of the variables by name", async () => {
    const config = await withFile(
      {
        models: [
          { name: "m", input: "0.5", output: "1.25", messageCost: null, contextTokens: 8000 },
        ],
      },
      { OPENAI_API_KEY: "k", OPENAI_MODEL: "m" },
    );
    expect(config.models).toHaveLength(1);
    expect(config.models[0]).toMatchObject({
      contextTokens: 8_000,
      price: { input: 500_000n, cachedInput: 500_000n, output: 1_250_000n, messageCost: null },
    });
  });

  it("fills secrets in from the environment and names those that are missing", async () => {
    const upstream = {
      name: "a",
      baseUrl: "https://x.example/v1",
      keys: ["env:MY_KEY"],
      models: { m: "m1" },
    };
    const config = await withFile({ upstreams: [upstream] }, { MY_KEY: "s1,s2" });
    expect(config.upstreams[0]?.keys).toEqual(["s1", "s2"]);
    await expect(withFile({ upstreams: [upstream] })).rejects.toThrow(
      "upstreams.0.keys.0: the variable MY_KEY is not set",
    );
  });

  it("refuses a model that nobody serves and two upstreams of one name", async () => {
    const upstream = {
      name: "a",
      baseUrl: "https://x.example/v1",
      keys: ["k"],
      models: { m: "m1" },
    };
    await expect(
      withFile({ upstreams: [upstream, upstream], models: [{ name: "other" }] }),
    ).rejects.toThrow(/same name[\s\S]*no upstream serves "other"/);
  });

  it("splits entries of admins at the first colon", () => {
    const { adminChats } = readConfig({ ADMIN_CHATS: "wechat:abc:def@im, Telegram:-1" }, directory);
    expect(adminChats).toEqual([
      { platform: "wechat", id: "abc:def@im" },
      { platform: "telegram", id: "-1" },
    ]);
  });

  it("takes a port at each end and refuses the next", () => {
    expect(readConfig({ PORT: "65535" }, directory).http.port).toBe(65_535);
    expect(() => readConfig({ PORT: "65536" }, directory)).toThrow("PORT: ");
    expect(() => readConfig({ PORT: "-1" }, directory)).toThrow("PORT: ");
    expect(() => readConfig({ PORT: "1.5" }, directory)).toThrow("PORT: ");
  });

  it("needs a database of its own where processes share the work", () => {
    expect(() => readConfig({ ROLE: "worker" }, directory)).toThrow("DATABASE_URL: ");
  });

  it("publishes the schema of the file as it is", async () => {
    const published = await readFile(
      join(import.meta.dirname, "../docs/config.schema.json"),
      "utf8",
    );
    const schema = z.toJSONSchema(ConfigFile, { io: "input" });
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(schema)));
  });

  it("reads the ways into WeChat", () => {
    const config = readConfig(
      {
        WECHAT_PUPPET: "service",
        WECHATY_PUPPET_SERVICE_TOKEN: "insecure_0123456789",
        WECHATY_PUPPET_SERVICE_ENDPOINT: "127.0.0.1:8788",
        WECHATY_PUPPET_SERVICE_NO_TLS_INSECURE_CLIENT: "true",
        WECHAT_FRIENDS: "点卡",
        WECHAT_OA_APP_ID: "wx0123456789abcdef",
        WECHAT_OA_APP_SECRET: "secret-secret",
        WECHAT_OA_TOKEN: "token123",
        WECHAT_OA_API_ROOT: "http://127.0.0.1:9/",
        WECOM_BOT_ID: "bot-1",
        WECOM_BOT_SECRET: "secret-secret",
      },
      directory,
    );
    expect(config).toMatchObject({
      wechat: {
        puppet: { kind: "service", endpoint: "127.0.0.1:8788", tls: null },
        friends: { accept: "word", word: "点卡" },
      },
      wechatOa: { apiRoot: "http://127.0.0.1:9", aesKey: null, replies: "service" },
      wecom: { botId: "bot-1", webSocketUrl: null },
    });
    expect(readConfig({ WECHAT_PUPPET: "ilink" }, directory).wechat).toEqual({
      puppet: { kind: "ilink", baseUrl: null },
      friends: { accept: "none" },
    });
    expect(readConfig({}, directory)).toMatchObject({ wechat: null, wechatOa: null, wecom: null });
  });

  it("names what is missing for WeChat", () => {
    const read = () =>
      readConfig(
        {
          WECHAT_PUPPET: "service",
          WECHATY_PUPPET_SERVICE_TLS_CA_CERT: "/nowhere.pem",
          WECHAT_OA_APP_ID: "wx0123456789abcdef",
          WECHAT_OA_AES_KEY: "short",
          WECOM_BOT_SECRET: "secret-secret",
        },
        directory,
      );
    expect(read).toThrow(/WECHATY_PUPPET_SERVICE_TLS_CA_CERT: must be a file/);
    expect(read).toThrow(/WECHAT_OA_AES_KEY: must be the EncodingAESKey/);
    const partly = () =>
      readConfig(
        {
          WECHAT_PUPPET: "service",
          WECHAT_OA_APP_ID: "wx0123456789abcdef",
          WECOM_BOT_SECRET: "secret-secret",
        },
        directory,
      );
    for (const name of [
      "WECHATY_PUPPET_SERVICE_TOKEN",
      "WECHATY_PUPPET_SERVICE_ENDPOINT",
      "WECHAT_OA_APP_SECRET",
      "WECHAT_OA_TOKEN",
      "WECOM_BOT_ID",
    ]) {
      expect(partly).toThrow(new RegExp(`${name}: \\w+ needs it|${name}: .* needs it`));
    }
  });

  it("takes an unofficial puppet only from who accepts the risk", () => {
    const puppet = { WECHAT_PUPPET: "wechaty-puppet-wechat4u" };
    expect(() => readConfig(puppet, directory)).toThrow(/WECHAT_I_ACCEPT_ACCOUNT_RISK: .*close/);
    const accepted = readConfig({ ...puppet, WECHAT_I_ACCEPT_ACCOUNT_RISK: "yes" }, directory);
    expect(accepted.wechat?.puppet).toEqual({
      kind: "unofficial",
      name: "wechaty-puppet-wechat4u",
    });
  });

  it("is explained in .env.example and passed on by docker-compose.yml, variable by variable", async () => {
    const read = (name: string) => readFile(new URL(`../${name}`, import.meta.url), "utf8");
    const example = await read(".env.example");
    const explained = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name).sort();
    expect(explained).toEqual(Object.keys(Env.shape).sort());
    const compose = await read("docker-compose.yml");
    for (const name of explained) expect(compose).toMatch(new RegExp(`^ +${name}: `, "m"));
  });
});
