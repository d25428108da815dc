import { systemClock } from "../../../src/system-clock.ts";
import { ConfigFile } from "../config-file.ts";
import type { OpenAiServer } from "../openai-server.ts";
import { RunningProgram } from "../running-program.ts";
import { blankDatabase, type TestDatabase } from "../test-database.ts";
import type { WechatPerson } from "./wechat-oa-person.ts";
import { WechatOaServer } from "./wechat-oa-server.ts";

const AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const PUBLIC_URL = "https://dianka.example";

/** The whole program with a service account, and that account's WeChat. */
export class RunningAccount implements AsyncDisposable {
  readonly wechat: WechatOaServer;
  readonly database: TestDatabase;
  readonly program: RunningProgram;
  readonly #config: ConfigFile;

  private constructor(
    wechat: WechatOaServer,
    database: TestDatabase,
    program: RunningProgram,
    config: ConfigFile,
  ) {
    this.wechat = wechat;
    this.database = database;
    this.program = program;
    this.#config = config;
    wechat.target = `${program.url}/webhooks/wechat-oa`;
  }

  static async open(
    openAi: OpenAiServer,
    env: Readonly<Record<string, string>>,
  ): Promise<RunningAccount> {
    const wechat = await WechatOaServer.start({ clock: systemClock, encodingAesKey: AES_KEY });
    wechat.state.settings.hasCustomerService = env.WECHAT_OA_REPLIES !== "passive";
    const database = await blankDatabase();
    const config = await ConfigFile.write({ chat: { burstMs: 50 } });
    const program = await RunningProgram.start({
      DATABASE_URL: database.url,
      PUBLIC_URL,
      WECHAT_OA_APP_ID: wechat.appId,
      WECHAT_OA_APP_SECRET: wechat.appSecret,
      WECHAT_OA_TOKEN: wechat.token,
      WECHAT_OA_AES_KEY: AES_KEY,
      WECHAT_OA_API_ROOT: wechat.url,
      OPENAI_API_KEY: "sk-test",
      OPENAI_BASE_URL: openAi.url,
      OPENAI_MODEL: "gpt-test",
      DIANKA_CONFIG: config.path,
      TRIAL_MESSAGES: "3",
      ...env,
    });
    return new RunningAccount(wechat, database, program, config);
  }

  person(name: string): WechatPerson {
    return this.wechat.person(`o${name}_0123456789-ABCDEFGHIJK`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await this.#config[Symbol.asyncDispose]();
    await this.wechat[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }
}
