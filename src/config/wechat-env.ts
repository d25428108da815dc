import { readFileSync } from "node:fs";
import { z } from "zod";

const address = (protocol: RegExp, what: string) => z.url({ protocol, error: `must be ${what}` });
const httpUrl = address(/^https?$/, "an http or https address");

const KNOWN_PUPPETS = ["ilink", "service", "mock"];

/** The variables of the three ways into WeChat; `.env.example` explains each. */
export const wechatVariables = {
  WECHAT_PUPPET: z
    .string()
    .regex(/^[@a-z][\w@/.-]*$/, "must be ilink, service, mock or the name of a wechaty puppet")
    .optional(),
  ILINK_BASE_URL: httpUrl.optional(),
  WECHATY_PUPPET_SERVICE_TOKEN: z.string().min(8, "must be the token of the service").optional(),
  WECHATY_PUPPET_SERVICE_ENDPOINT: z
    .string()
    .regex(/^[\w.-]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i, "must be HOST:PORT")
    .optional(),
  WECHATY_PUPPET_SERVICE_TLS_CA_CERT: z
    .string()
    .transform((path, context) => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        context.addIssue({ code: "custom", message: "must be a file with a certificate (PEM)" });
        return z.NEVER;
      }
    })
    .optional(),
  WECHATY_PUPPET_SERVICE_TLS_SERVER_NAME: z.string().optional(),
  WECHATY_PUPPET_SERVICE_NO_TLS_INSECURE_CLIENT: z
    .enum(["true", "false"], { error: "must be true or false" })
    .default("false"),
  WECHAT_I_ACCEPT_ACCOUNT_RISK: z.enum(["yes", "no"], { error: "must be yes or no" }).default("no"),
  WECHAT_FRIENDS: z.string().default("none"),
  WECHAT_OA_APP_ID: z
    .string()
    .regex(/^wx[0-9a-z]{8,32}$/, "must look like wx0123456789abcdef")
    .optional(),
  WECHAT_OA_APP_SECRET: z.string().min(8, "must be the AppSecret").optional(),
  WECHAT_OA_TOKEN: z
    .string()
    .regex(/^[A-Za-z0-9]{3,32}$/, "must be the Token of the server settings, 3 to 32 letters")
    .optional(),
  WECHAT_OA_AES_KEY: z
    .string()
    .regex(/^[A-Za-z0-9]{43}$/, "must be the EncodingAESKey, 43 letters and digits")
    .optional(),
  WECHAT_OA_API_ROOT: httpUrl.optional(),
  WECHAT_OA_REPLIES: z
    .enum(["service", "passive"], { error: "must be service or passive" })
    .default("service"),
  WECOM_BOT_ID: z.string().min(4, "must be the bot's id").optional(),
  WECOM_BOT_SECRET: z.string().min(8, "must be the bot's secret").optional(),
  WECOM_BOT_WS_URL: address(/^wss?$/, "a ws or wss address").optional(),
};

const WechatEnv = z.object(wechatVariables);
type WechatEnv = z.output<typeof WechatEnv>;

/** How bots of personal WeChat accounts come about. */
export type WechatPuppet =
  | { readonly kind: "ilink"; readonly baseUrl: string | null }
  | {
      readonly kind: "service";
      readonly token: string;
      /** HOST:PORT. */
      readonly endpoint: string;
      /** `null`: no TLS at all. */
      readonly tls: { readonly caCert: string | null; readonly serverName: string | null } | null;
    }
  | { readonly kind: "mock" }
  /** Any other puppet that is installed; the operator accepted that the account may be closed. */
  | { readonly kind: "unofficial"; readonly name: string };

/** Whose friend requests are accepted: nobody's, everybody's, or with this word in them. */
export type WechatFriends =
  | { readonly accept: "none" | "all" }
  | { readonly accept: "word"; readonly word: string };

export interface WechatConfig {
  readonly wechat: { readonly puppet: WechatPuppet; readonly friends: WechatFriends } | null;
  readonly wechatOa: {
    readonly appId: string;
    readonly appSecret: string;
    readonly token: string;
    /** `null`: plain mode. */
    readonly aesKey: string | null;
    readonly apiRoot: string | null;
    /** Whether the account may send customer-service messages. */
    readonly replies: "service" | "passive";
  } | null;
  readonly wecom: {
    readonly botId: string;
    readonly botSecret: string;
    readonly webSocketUrl: string | null;
  } | null;
}

/** Adds what is missing or does not go together, each with the variable to set. */
export function checkWechat(env: WechatEnv, add: (name: string, fault: string) => void): void {
  const { WECHAT_PUPPET: puppet } = env;
  if (puppet === "service") {
    for (const name of [
      "WECHATY_PUPPET_SERVICE_TOKEN",
      "WECHATY_PUPPET_SERVICE_ENDPOINT",
    ] as const) {
      if (env[name] === undefined) add(name, "WECHAT_PUPPET=service needs it");
    }
  }
  const isUnofficial = puppet !== undefined && !KNOWN_PUPPETS.includes(puppet);
  if (isUnofficial && env.WECHAT_I_ACCEPT_ACCOUNT_RISK !== "yes") {
    add(
      "WECHAT_I_ACCEPT_ACCOUNT_RISK",
      `${puppet} is not official: WeChat may close the account; yes accepts that`,
    );
  }
  checkTogether(env, ["WECHAT_OA_APP_ID", "WECHAT_OA_APP_SECRET", "WECHAT_OA_TOKEN"], add);
  checkTogether(env, ["WECOM_BOT_ID", "WECOM_BOT_SECRET"], add);
}

export function readWechat(env: WechatEnv): WechatConfig {
  return { wechat: readPuppet(env), wechatOa: readServiceAccount(env), wecom: readWecom(env) };
}

function checkTogether(
  env: WechatEnv,
  names: readonly (keyof WechatEnv)[],
  add: (name: string, fault: string) => void,
): void {
  const given = names.filter((name) => env[name] !== undefined);
  if (given.length === 0) return;
  for (const name of names) {
    if (env[name] === undefined) add(name, `${given[0]} needs it`);
  }
}

function readPuppet(env: WechatEnv): WechatConfig["wechat"] {
  const { WECHAT_PUPPET: name } = env;
  if (name === undefined) return null;
  const word = env.WECHAT_FRIENDS;
  const friends: WechatFriends =
    word === "none" || word === "all" ? { accept: word } : { accept: "word", word };
  return { puppet: puppetOf(name, env), friends };
}

function puppetOf(name: string, env: WechatEnv): WechatPuppet {
  if (name === "ilink") return { kind: "ilink", baseUrl: withoutSlash(env.ILINK_BASE_URL) };
  if (name === "mock") return { kind: "mock" };
  if (name !== "service") return { kind: "unofficial", name };
  return {
    kind: "service",
    token: env.WECHATY_PUPPET_SERVICE_TOKEN ?? "",
    endpoint: env.WECHATY_PUPPET_SERVICE_ENDPOINT ?? "",
    tls:
      env.WECHATY_PUPPET_SERVICE_NO_TLS_INSECURE_CLIENT === "true"
        ? null
        : {
            caCert: env.WECHATY_PUPPET_SERVICE_TLS_CA_CERT ?? null,
            serverName: env.WECHATY_PUPPET_SERVICE_TLS_SERVER_NAME ?? null,
          },
  };
}

function readServiceAccount(env: WechatEnv): WechatConfig["wechatOa"] {
  const { WECHAT_OA_APP_ID: appId, WECHAT_OA_APP_SECRET: appSecret, WECHAT_OA_TOKEN: token } = env;
  if (appId === undefined || appSecret === undefined || token === undefined) return null;
  return {
    ...{ appId, appSecret, token },
    aesKey: env.WECHAT_OA_AES_KEY ?? null,
    apiRoot: withoutSlash(env.WECHAT_OA_API_ROOT),
    replies: env.WECHAT_OA_REPLIES,
  };
}

function readWecom(env: WechatEnv): WechatConfig["wecom"] {
  const { WECOM_BOT_ID: botId, WECOM_BOT_SECRET: botSecret } = env;
  if (botId === undefined || botSecret === undefined) return null;
  return { botId, botSecret, webSocketUrl: env.WECOM_BOT_WS_URL ?? null };
}

function withoutSlash(url: string | undefined): string | null {
  return url?.replace(/\/+$/, "") ?? null;
}
