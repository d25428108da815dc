import type { Config } from "../config.ts";

export interface BannerFacts {
  readonly url: string;
  readonly adminUrl: string;
  readonly startedInMs: number;
  /** What is wrong with a platform although it is configured, by name. */
  readonly problems: Readonly<Record<string, string>>;
}

/** What an operator reads first: where it is, what is on, what is off and what would turn it on. */
export function banner(config: Config, facts: BannerFacts): string {
  const servesPeople = config.role !== "worker";
  const addresses = servesPeople
    ? [
        ["Web chat", config.webChat ? facts.url : "off (WEB_CHAT=on)"],
        ["Admin chat", `${facts.adminUrl}  (keep this address secret)`],
      ]
    : [["Health", `${facts.url}/readyz`]];
  const rows = [
    ...addresses,
    ["Role", config.role],
    ["Models", `${config.models.map(({ name }) => name).join(", ")}${demoNote(config)}`],
    [
      "Database",
      config.databaseUrl === null
        ? `embedded in ${config.dataDir} (DATABASE_URL for another)`
        : "DATABASE_URL",
    ],
    ["Queue", config.redisUrl === null ? "on Postgres (REDIS_URL to use Redis)" : "Redis"],
    ...(servesPeople ? platformRows(config, facts) : []),
    ...(servesPeople ? adminRows(config) : []),
    [
      "Free trial",
      config.chat.trialMessages === 0
        ? "off (TRIAL_MESSAGES)"
        : `${config.chat.trialMessages} messages`,
    ],
  ];
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  const lines = rows.map(([name = "", value]) => `  ${name.padEnd(width)}  ${value}`);
  return [`\nDianka is ready (${(facts.startedInMs / 1000).toFixed(1)} s)`, ...lines, ""].join(
    "\n",
  );
}

function demoNote(config: Config): string {
  return config.upstreams.length === 0
    ? " (a demo without a language model; set OPENAI_API_KEY)"
    : "";
}

function platformRows(config: Config, { problems }: BannerFacts): string[][] {
  const { telegram, discord } = config;
  const but = (platform: string) =>
    problems[platform] === undefined ? "" : `, but: ${problems[platform]}`;
  return [
    [
      "Telegram",
      telegram === null
        ? "off (TELEGRAM_BOT_TOKEN)"
        : `on, ${telegram.mode === "poll" ? "long polling" : "webhook"}${but("telegram")}`,
    ],
    ["Discord", discord === null ? "off (DISCORD_BOT_TOKEN)" : `on${but("discord")}`],
    [
      "WeChat",
      config.wechat === null
        ? "off (WECHAT_PUPPET=ilink)"
        : `on, ${config.wechat.puppet.kind}${loginNote(config)}${but("wechat")}`,
    ],
    [
      "WeChat 服务号",
      config.wechatOa === null ? "off (WECHAT_OA_APP_ID)" : `on${but("wechat-oa")}`,
    ],
    ["WeCom", config.wecom === null ? "off (WECOM_BOT_ID)" : `on${but("wecom")}`],
  ];
}

function loginNote({ wechat }: Config): string {
  return wechat?.puppet.kind === "ilink" ? ", people scan the code at /wechat" : "";
}

function adminRows({ adminChats, adminUsers }: Config): string[][] {
  if (adminChats.length === 0)
    return [["Admins", "in the admin chat above (ADMIN_CHATS for more)"]];
  const chats = `${adminChats.length} chat(s) of ADMIN_CHATS`;
  return [
    [
      "Admins",
      adminUsers.length === 0
        ? `${chats}; WHOEVER CAN WRITE THERE IS AN ADMIN (ADMIN_USERS limits that)`
        : `${chats}, ${adminUsers.length} person(s) of ADMIN_USERS`,
    ],
  ];
}
