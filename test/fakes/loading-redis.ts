import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/**
 * A Redis that has just started and says, as a real one does in its first moments, that reading its
 * file takes far longer than it then does. Knows no more than what a connection asks at first.
 */
export class LoadingRedis implements AsyncDisposable {
  readonly #server: Server;
  readonly #loadedAtMs: number;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, loadingMs: number) {
    this.#server = server;
    this.#loadedAtMs = performance.now() + loadingMs;
  }

  static async start(loadingMs: number): Promise<LoadingRedis> {
    const server = createServer();
    const redis = new LoadingRedis(server, loadingMs);
    server.on("connection", (socket) => redis.#serve(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return redis;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `redis://127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    let pending = "";
    socket.on("data", (chunk) => {
      pending += chunk;
      // One command is `*<n>` and n times `$<length>` and the argument.
      for (;;) {
        const [header = "", count] = /^\*(\d+)\r\n/.exec(pending) ?? [];
        if (count === undefined) return;
        const parts = pending.slice(header.length).split("\r\n");
        if (parts.length <= Number(count) * 2) return;
        pending = parts.slice(Number(count) * 2).join("\r\n");
        socket.write(this.#answer(parts[1]?.toLowerCase() ?? ""));
      }
    });
  }

  #answer(command: string): string {
    const isLoading = performance.now() < this.#loadedAtMs;
    if (command === "hello") return "%1\r\n$5\r\nproto\r\n:3\r\n";
    if (command === "client") return "+OK\r\n";
    if (command === "info") {
      const state = isLoading ? "loading:1\r\nloading_eta_seconds:60" : "loading:0";
      const text = `redis_version:7.0.15\r\n${state}\r\n`;
      return `$${text.length}\r\n${text}\r\n`;
    }
    if (isLoading) return "-LOADING Redis is loading the dataset in memory\r\n";
    return command === "ping" ? "+PONG\r\n" : "+OK\r\n";
  }
}
