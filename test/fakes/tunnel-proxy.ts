import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What a proxy asks of its users. */
export interface ProxyLogin {
  readonly user: string;
  readonly password: string;
}

/** What is said when a tunnel is open, and when its end cannot be reached. */
interface Replies {
  readonly open: string | Buffer;
  readonly failed: string | Buffer;
}

/** A proxy on loopback that only opens tunnels and remembers where they led. */
export class TunnelProxy implements AsyncDisposable {
  /** "127.0.0.1:8080" for each tunnel, in order. */
  readonly tunnels: string[] = [];
  /** Attempts without the right login, or that wanted something else than a tunnel. */
  refused = 0;
  readonly #server: Server;
  readonly #scheme: string;
  readonly #login: ProxyLogin | null;
  readonly #sockets = new Set<Socket>();

  private constructor(
    scheme: string,
    login: ProxyLogin | null,
    create: (proxy: TunnelProxy) => Server,
  ) {
    this.#scheme = scheme;
    this.#login = login;
    this.#server = create(this);
    this.#server.on("connection", (socket) => this.#keep(socket));
  }

  /** Speaks HTTP and its CONNECT. */
  static startHttp(login: ProxyLogin | null = null): Promise<TunnelProxy> {
    return new TunnelProxy("http", login, (proxy) => proxy.#createHttp()).#listen();
  }

  /** Speaks SOCKS 5 (RFC 1928, RFC 1929). */
  static startSocks(login: ProxyLogin | null = null): Promise<TunnelProxy> {
    return new TunnelProxy("socks5", login, (proxy) => proxy.#createSocks()).#listen();
  }

  /** Its address, with the login when it asks for one. */
  get url(): string {
    const { user, password } = this.#login ?? { user: "", password: "" };
    const login = this.#login === null ? "" : `${user}:${encodeURIComponent(password)}@`;
    return `${this.#scheme}://${login}127.0.0.1:${this.#port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  get #port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("No port");
    return address.port;
  }

  async #listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  #createHttp(): Server {
    const server = createHttpServer((_, response) => {
      this.refused += 1;
      response.writeHead(403).end();
    });
    server.on("connect", (request, socket: Socket) => {
      this.#keep(socket);
      const { user, password } = this.#login ?? { user: "", password: "" };
      const expected = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
      if (this.#login !== null && request.headers["proxy-authorization"] !== expected) {
        this.refused += 1;
        socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
      }
      const { hostname, port } = new URL(`http://${request.url}`);
      this.#tunnel(socket, hostname, Number(port || 80), {
        open: "HTTP/1.1 200 Connection established\r\n\r\n",
        failed: "HTTP/1.1 502 Bad Gateway\r\n\r\n",
      });
    });
    return server;
  }

  #createSocks(): Server {
    return createServer(async (socket) => {
      const read = reader(socket);
      const [, methodCount = 0] = await read(2);
      const methods = await read(methodCount);
      const method = this.#login === null ? 0 : 2;
      socket.write(Buffer.of(5, methods.includes(method) ? method : 0xff));
      if (!methods.includes(method)) return this.#refuse(socket);
      if (this.#login !== null) {
        const [, userLength = 0] = await read(2);
        const user = (await read(userLength)).toString();
        const [passwordLength = 0] = await read(1);
        const password = (await read(passwordLength)).toString();
        const isRight = user === this.#login.user && password === this.#login.password;
        socket.write(Buffer.of(1, isRight ? 0 : 1));
        if (!isRight) return this.#refuse(socket);
      }
      const [, , , addressType] = await read(4);
      const length = addressType === 1 ? 4 : ((await read(1))[0] ?? 0);
      const address = await read(length);
      const host = addressType === 1 ? address.join(".") : address.toString();
      const port = (await read(2)).readUInt16BE();
      const reply = (code: number) => Buffer.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0);
      this.#tunnel(socket, host, port, { open: reply(0), failed: reply(5) });
    });
  }

  #refuse(socket: Socket): void {
    this.refused += 1;
    socket.end();
  }

  #tunnel(socket: Socket, host: string, port: number, replies: Replies): void {
    this.tunnels.push(`${host}:${port}`);
    const target = connect(port, host);
    let isOpen = false;
    target.once("connect", () => {
      isOpen = true;
      socket.write(replies.open);
      socket.pipe(target).pipe(socket);
    });
    this.#keep(target);
    target.on("close", () => {
      if (isOpen) socket.destroy();
      else socket.end(replies.failed);
    });
    socket.on("close", () => target.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

/** Reads so many bytes of a handshake, and leaves the rest for the tunnel. */
function reader(socket: Socket): (count: number) => Promise<Buffer> {
  return async (count) => {
    if (count === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes: Buffer | null = socket.read(count);
      if (bytes !== null) return bytes;
      await once(socket, "readable");
    }
  };
}
