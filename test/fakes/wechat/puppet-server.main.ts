import type { PuppetServer } from "wechaty-puppet-service";
import { type HeardMessage, LabPuppet } from "./lab-puppet.ts";

/** How the parent starts the host. */
export interface HostOptions {
  readonly endpoint: string;
  readonly token: string;
  /** `null`: without TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

export type HostOrder =
  | { readonly type: "start"; readonly options: HostOptions }
  | { readonly type: "hear"; readonly message: HeardMessage };

export type HostNews =
  | { readonly type: "listening" }
  | { readonly type: "sent"; readonly to: string; readonly text: string; readonly file: string };

/** A WeChat host of somebody else: wechaty's server with a puppet of the lab, told what to do by its parent. */
class PuppetHost {
  #puppet: LabPuppet | null = null;
  #server: PuppetServer | null = null;

  async obey(order: HostOrder): Promise<void> {
    if (order.type === "hear") this.#puppet?.hear(order.message);
    else await this.#start(order.options);
  }

  async #start({ endpoint, token, tls }: HostOptions): Promise<void> {
    const { log, PuppetServer } = await import("wechaty-puppet-service");
    log.level("silent");
    const puppet = new LabPuppet();
    puppet.addPerson("zhang", "张三");
    puppet.onSent = ({ to, text, file }) =>
      tell({ type: "sent", to, text, file: file?.content ?? "" });
    this.#puppet = puppet;
    const options = tls === null ? { disable: true } : { serverCert: tls.cert, serverKey: tls.key };
    this.#server = new PuppetServer({ endpoint, token, puppet, tls: options });
    await this.#server.start();
    tell({ type: "listening" });
  }
}

function tell(news: HostNews): void {
  process.send?.(news);
}

const host = new PuppetHost();
process.on("message", (order) => void host.obey(order as HostOrder));
process.on("disconnect", () => process.exit());
