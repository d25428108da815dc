import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { until } from "./connected-wechat.ts";
import type { HeardMessage } from "./lab-puppet.ts";
import type { HostNews, HostOptions, HostOrder } from "./puppet-server.main.ts";

const MAIN = fileURLToPath(new URL("puppet-server.main.ts", import.meta.url));

/** A WeChat host in a process of its own, which can be killed and comes back at the same address. */
export class PuppetHost {
  readonly options: HostOptions;
  readonly news: HostNews[] = [];
  #process: ChildProcess | null = null;

  constructor(options: HostOptions) {
    this.options = options;
  }

  get sent(): readonly (HostNews & { readonly type: "sent" })[] {
    return this.news.filter((news) => news.type === "sent");
  }

  async start(): Promise<void> {
    this.news.length = 0;
    const child = fork(MAIN, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: ["--no-deprecation"],
    });
    this.#process = child;
    child.on("message", (news) => this.news.push(news as HostNews));
    this.#tell({ type: "start", options: this.options });
    await until(() => this.news.some(({ type }) => type === "listening"), 15_000);
  }

  hear(message: HeardMessage): void {
    this.#tell({ type: "hear", message });
  }

  /** As a crash does: nothing is said any more. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Everything stays open, and nobody answers. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  unfreeze(): void {
    this.#process?.kill("SIGCONT");
  }

  #tell(order: HostOrder): void {
    this.#process?.send(order);
  }
}

/** An address that nobody listens at. */
export async function freeEndpoint(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return `127.0.0.1:${address.port}`;
}
