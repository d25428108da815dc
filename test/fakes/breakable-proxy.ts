import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Stands between us and a server on loopback, and takes the server away when a test asks. */
export class BreakableProxy implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;
  #isFrozen = false;

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  /** Starts to listen, on the same port as before. */
  async open(): Promise<number> {
    const server = createServer((client) => this.#join(client));
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    this.#port = address.port;
    this.#server = server;
    return this.#port;
  }

  /** Drops all connections and refuses new ones. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = once(server, "close");
    server.close();
    this.drop();
    await closed;
  }

  /** Drops all connections; new ones are welcome. */
  drop(): void {
    this.#isFrozen = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Keeps all connections open, new ones too, and passes nothing on until they are dropped. */
  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) {
      // Only pausing is not enough: what a pipe leads to resumes it when it has room.
      socket.unpipe();
      socket.pause();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  #join(client: Socket): void {
    const server = connect(this.#target);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      if (!this.#isFrozen) from.pipe(to);
      from.on("error", () => {});
      from.once("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
