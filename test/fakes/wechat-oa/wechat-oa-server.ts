import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../src/core/clock.ts";
import { METHODS } from "./wechat-oa-methods.ts";
import { type PushSettings, WechatPerson } from "./wechat-oa-person.ts";
import { WechatError, WechatOaState } from "./wechat-oa-state.ts";

export interface RecordedCall {
  readonly path: string;
  readonly body: unknown;
}

/** What the next calls of a path do instead of working. */
export type Fault =
  | { readonly code: number; readonly reason?: string }
  | "busy"
  | "cut"
  | "garbage";

export interface WechatOaServerOptions {
  readonly clock: Clock;
  readonly encodingAesKey: string | null;
}

/**
 * A strict WeChat for one service account: the API that accounts call, and people whose messages
 * it brings to the account's server, signed and again when there is no answer within five seconds.
 */
export class WechatOaServer implements AsyncDisposable {
  readonly appId = "wx0123456789abcdef";
  readonly appSecret = "0123456789abcdef0123456789abcdef";
  readonly token = "tokenOfTheServer2026";
  readonly state: WechatOaState;
  readonly calls: RecordedCall[] = [];
  readonly #push: PushSettings;
  readonly #faults = new Map<string, Fault[]>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  private constructor({ clock, encodingAesKey }: WechatOaServerOptions) {
    const { appId, appSecret, token } = this;
    const rights = { hasCustomerService: true, isAddressAllowed: true };
    this.state = new WechatOaState({ clock, appId, appSecret, ...rights });
    this.#push = { clock, token, appId, encodingAesKey, target: "" };
  }

  static async start(options: WechatOaServerOptions): Promise<WechatOaServer> {
    const server = new WechatOaServer(options);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Where messages are brought to. */
  set target(url: string) {
    this.#push.target = url;
  }

  person(openId: string): WechatPerson {
    return new WechatPerson(openId, this.state, this.#push);
  }

  /** A picture of a person; the fields of its message. */
  addPicture(bytes: Uint8Array): { readonly PicUrl: string; readonly MediaId: string } {
    const id = `media-${this.state.pictures.size + 1}`;
    this.state.pictures.set(id, bytes);
    return { PicUrl: `${this.url}/picture/${id}`, MediaId: id };
  }

  callsOf(path: string): unknown[] {
    return this.calls.filter((call) => call.path === path).map(({ body }) => body);
  }

  fail(path: string, fault: Fault, times = 1): void {
    const faults = this.#faults.get(path) ?? [];
    this.#faults.set(path, [...faults, ...Array<Fault>(times).fill(fault)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://127.0.0.1");
    const path = url.pathname.replace(/^\/cgi-bin\//, "");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    this.calls.push({ path, body: text === "" ? null : JSON.parse(text) });
    const fault = this.#faults.get(path)?.shift();
    if (fault === "cut") request.socket.destroy();
    else if (fault === "busy") response.writeHead(502).end("bad gateway");
    else if (fault === "garbage") response.writeHead(200).end("<html>");
    else this.#answer(path, url.searchParams, text, fault, response);
  }

  #answer(
    path: string,
    query: URLSearchParams,
    text: string,
    fault: Exclude<Fault, string> | undefined,
    response: ServerResponse,
  ): void {
    try {
      if (fault !== undefined) throw new WechatError(fault.code, fault.reason ?? "made to fail");
      const file = this.#file(path, query);
      if (file !== null) {
        response.writeHead(200, { "content-type": "image/jpeg" }).end(file);
        return;
      }
      if (path !== "stable_token") this.state.checkToken(query.get("access_token"));
      const method = METHODS[path];
      if (method === undefined) throw new WechatError(-1, `no such path: ${path}`);
      json(response, { errcode: 0, errmsg: "ok", ...method(this.state, JSON.parse(text)) });
    } catch (error) {
      if (!(error instanceof WechatError)) throw error;
      json(response, { errcode: error.code, errmsg: error.message });
    }
  }

  #file(path: string, query: URLSearchParams): Uint8Array | null {
    if (path.startsWith("/picture/")) {
      const picture = this.state.pictures.get(path.slice("/picture/".length));
      if (picture === undefined) throw new WechatError(40007, "invalid media_id");
      return picture;
    }
    if (path !== "media/get") return null;
    this.state.checkToken(query.get("access_token"));
    const media = this.state.pictures.get(query.get("media_id") ?? "");
    if (media === undefined) throw new WechatError(40007, "invalid media_id");
    return media;
  }
}

function json(response: ServerResponse, body: object): void {
  // WeChat says "text/plain" here, too.
  response.writeHead(200, { "content-type": "application/json; encoding=utf-8" });
  response.end(JSON.stringify(body));
}
