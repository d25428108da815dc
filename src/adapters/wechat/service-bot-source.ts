import { connect } from "node:net";
import type { BotSeat } from "./bot-source.ts";
import { SoleBotSource } from "./sole-bot-source.ts";

const CONNECT_MS = 3_000;
const ENDPOINT = /^(\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/i;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;
/** A token begins with the name that the host's certificate has. */
const TOKEN = /^[\w.-]+_\S+$/;

/** How the connection to the host is protected. "none" is for the same machine only. */
export type ServiceTls = "none" | { readonly caCert: string; readonly serverName: string | null };

export interface ServiceOptions {
  /** Begins with a name and "_", such as "insecure_4f1c…". */
  readonly token: string;
  /** "host:port". */
  readonly endpoint: string;
  /** The certificate everybody can download with the library protects nothing, so it is not used. */
  readonly tls: ServiceTls;
}

/** One account that is logged in at somebody else's host, which is reached by gRPC. */
export class ServiceBotSource extends SoleBotSource {
  constructor(options: ServiceOptions) {
    super(seatOf(options), faultOf(options));
  }
}

function seatOf({ token, endpoint, tls }: ServiceOptions): BotSeat {
  return {
    name: "service",
    personId: null,
    async createPuppet() {
      // gRPC waits longer and longer between its own tries, so it is not asked before this works.
      await checkPort(endpoint);
      const { ServicePuppet } = await import("./service-puppet.ts");
      return new ServicePuppet({ token, endpoint, tls: tlsOptions(tls) });
    },
    async probe(puppet) {
      const { ServicePuppet } = await import("./service-puppet.ts");
      if (puppet instanceof ServicePuppet) await puppet.probe();
    },
  };
}

/** One sentence when it cannot work or would not be safe. */
function faultOf({ token, endpoint, tls }: ServiceOptions): string | null {
  const [, host] = ENDPOINT.exec(endpoint) ?? [];
  if (host === undefined) return "WeChat: the service endpoint is not of the form host:port";
  if (!TOKEN.test(token)) return "WeChat: the service token does not begin with a name and _";
  if (tls === "none" && !LOOPBACK.test(host)) {
    return "WeChat: a service on another machine needs TLS with a certificate of its own";
  }
  if (tls !== "none" && !tls.caCert.includes("-----BEGIN CERTIFICATE-----")) {
    return "WeChat: the certificate of the service is not in PEM form";
  }
  return null;
}

function tlsOptions(tls: ServiceTls) {
  if (tls === "none") return { disable: true } as const;
  const { caCert, serverName } = tls;
  return { caCert, ...(serverName !== null && { serverName }) };
}

function checkPort(endpoint: string): Promise<void> {
  const [, host = "", port] = ENDPOINT.exec(endpoint) ?? [];
  return new Promise((resolve, reject) => {
    const socket = connect({ host: host.replace(/[[\]]/g, ""), port: Number(port) });
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error("timed out")));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}
