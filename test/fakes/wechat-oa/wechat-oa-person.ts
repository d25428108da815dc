import { createHash, randomBytes } from "node:crypto";
import { WecomCrypto } from "@wecom/aibot-node-sdk";
import type { Clock } from "../../../src/core/clock.ts";
import type { WechatOaState } from "./wechat-oa-state.ts";

const ATTEMPTS_MAX = 3;
const ATTEMPT_MS = 5_000;
/** What people see when our answer is no answer. */
export const SERVICE_DOWN = "该公众号提供的服务出现故障，请稍后再试";
const ACCOUNT = "gh_0123456789ab";
/** Fields that WeChat writes as numbers, without CDATA. */
const NUMBERS = new Set(["CreateTime", "MsgId"]);

export interface PushSettings {
  readonly clock: Clock;
  readonly token: string;
  readonly appId: string;
  /** `null`: messages are sent as they are. */
  readonly encodingAesKey: string | null;
  /** The address of the account's server. */
  target: string;
}

/** One try to bring a message to the account's server. */
export interface Attempt {
  /** `null` when there was no answer in time. */
  status: number | null;
  body: string;
}

/** Something a person did, being brought to the account's server. */
export interface Push {
  readonly fields: Readonly<Record<string, string>>;
  readonly attempts: Attempt[];
  /** Resolves when the server answered, or WeChat gave up. */
  readonly ended: Promise<void>;
}

/** A person with WeChat in the hand. */
export class WechatPerson {
  readonly #state: WechatOaState;
  readonly #settings: PushSettings;
  readonly openId: string;

  constructor(openId: string, state: WechatOaState, settings: PushSettings) {
    this.openId = openId;
    this.#state = state;
    this.#settings = settings;
    state.follower(openId);
  }

  /** What they read in the chat, oldest first. */
  get shown(): readonly string[] {
    return this.#state.follower(this.openId).shown;
  }

  get isShownTyping(): boolean {
    return this.#state.follower(this.openId).typingUntilMs > this.#state.nowMs;
  }

  writes(text: string): Push {
    return this.sends("text", { Content: text });
  }

  /** A message of any kind. */
  sends(type: string, fields: Record<string, string> = {}): Push {
    this.#state.touch(this.openId, "message");
    const id = (2n ** 62n + BigInt(`0x${randomBytes(6).toString("hex")}`)).toString();
    return this.push({ MsgType: type, ...fields, MsgId: id });
  }

  /** Scans a QR code of ours with the camera, or follows the account without one. */
  follows(scene?: string): Push {
    this.#state.follower(this.openId).isFollower = true;
    const ticket = { EventKey: `qrscene_${scene}`, Ticket: "TICKET" };
    return this.#event("subscribe", scene === undefined ? { EventKey: "" } : ticket);
  }

  leaves(): Push {
    this.#state.follower(this.openId).isFollower = false;
    return this.push({ MsgType: "event", Event: "unsubscribe", EventKey: "" });
  }

  scans(scene: string): Push {
    return this.#event("SCAN", { EventKey: scene, Ticket: "TICKET" });
  }

  taps(key: string): Push {
    return this.#event("CLICK", { EventKey: key });
  }

  #event(event: string, fields: Record<string, string>): Push {
    this.#state.touch(this.openId, "event");
    return this.push({ MsgType: "event", Event: event, ...fields });
  }

  /** Brings exactly these fields, the person and the time added. */
  push(fields: Record<string, string>): Push {
    const seconds = Math.floor(this.#settings.clock.now().getTime() / 1000);
    const all = {
      ToUserName: ACCOUNT,
      FromUserName: this.openId,
      CreateTime: String(seconds),
      ...fields,
    };
    const attempts: Attempt[] = [];
    return { fields: all, attempts, ended: this.#deliver(all, attempts) };
  }

  async #deliver(fields: Record<string, string>, attempts: Attempt[]): Promise<void> {
    for (let count = 1; count <= ATTEMPTS_MAX; count += 1) {
      const attempt: Attempt = { status: null, body: "" };
      attempts.push(attempt);
      if (!(await this.#try(fields, attempt))) continue;
      this.#read(attempt);
      return;
    }
    this.#show(SERVICE_DOWN);
  }

  /** `false` when there was no answer within five seconds. */
  async #try(fields: Record<string, string>, attempt: Attempt): Promise<boolean> {
    const { clock, target } = this.#settings;
    const ended = new AbortController();
    const hangUp = new AbortController();
    void clock.sleep(ATTEMPT_MS, ended.signal).then(() => hangUp.abort());
    const { query, body } = this.signed(toXml(fields));
    try {
      const response = await fetch(`${target}?${new URLSearchParams(query)}`, {
        method: "POST",
        headers: { "content-type": "text/xml" },
        body,
        signal: hangUp.signal,
      });
      attempt.body = await response.text();
      attempt.status = response.status;
      return true;
    } catch {
      return false;
    } finally {
      ended.abort();
    }
  }

  /** A request as WeChat signs it. */
  signed(document: string): { query: Record<string, string>; body: string } {
    const { clock, token, appId, encodingAesKey } = this.#settings;
    const timestamp = String(Math.floor(clock.now().getTime() / 1000));
    const nonce = randomBytes(5).readUIntBE(0, 5).toString();
    const sorted = [token, timestamp, nonce].sort().join("");
    const signature = createHash("sha1").update(sorted).digest("hex");
    const query = { signature, timestamp, nonce, openid: this.openId };
    if (encodingAesKey === null) return { query, body: document };
    const crypto = new WecomCrypto(token, encodingAesKey, appId);
    const sealed = crypto.encrypt(document, timestamp, nonce);
    return {
      query: { ...query, encrypt_type: "aes", msg_signature: sealed.signature },
      body: toXml({ ToUserName: ACCOUNT, Encrypt: sealed.encrypt }),
    };
  }

  #read({ status, body }: Attempt): void {
    if (status === 200 && (body === "success" || body === "")) return;
    const fields = status === 200 ? this.#open(body) : null;
    const isAnswer =
      fields?.ToUserName === this.openId &&
      fields.FromUserName === ACCOUNT &&
      fields.MsgType === "text" &&
      /^\d{10}$/.test(fields.CreateTime ?? "") &&
      fields.Content !== undefined &&
      fields.Content !== "" &&
      Buffer.byteLength(fields.Content) <= 2_048;
    this.#show(isAnswer ? (fields.Content ?? "") : SERVICE_DOWN);
  }

  #open(body: string): Record<string, string> | null {
    const fields = fromXml(body);
    const { token, appId, encodingAesKey } = this.#settings;
    if (encodingAesKey === null || fields === null) return fields;
    const { Encrypt = "", MsgSignature = "", TimeStamp = "", Nonce = "" } = fields;
    const crypto = new WecomCrypto(token, encodingAesKey, appId);
    if (!crypto.verifySignature(MsgSignature, TimeStamp, Nonce, Encrypt)) return null;
    return fromXml(crypto.decrypt(Encrypt));
  }

  #show(text: string): void {
    this.#state.follower(this.openId).shown.push(text);
  }
}

function toXml(fields: Record<string, string>): string {
  const elements = Object.entries(fields).map(([name, value]) =>
    NUMBERS.has(name)
      ? `<${name}>${value}</${name}>`
      : `<${name}><![CDATA[${value.replaceAll("]]>", "]]]]><![CDATA[>")}]]></${name}>`,
  );
  return `<xml>${elements.join("\n")}</xml>`;
}

/** Only what WeChat's own answers look like; `null` for anything else. */
function fromXml(document: string): Record<string, string> | null {
  const root = /^<xml>([\s\S]*)<\/xml>$/.exec(document)?.[1];
  if (root === undefined) return null;
  const fields: Record<string, string> = {};
  const element = /\s*<(\w+)>((?:<!\[CDATA\[[\s\S]*?\]\]>)+|\d+)<\/\1>\s*/y;
  while (element.lastIndex < root.length) {
    const [, name, content] = element.exec(root) ?? [];
    if (name === undefined || content === undefined) return null;
    fields[name] = content.replaceAll(/<!\[CDATA\[([\s\S]*?)\]\]>/g, "$1");
  }
  return fields;
}
