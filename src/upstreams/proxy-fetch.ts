import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent, fetch as undiciFetch } from "undici";

const CONNECT_TIMEOUT_MS = 10_000;
/** A connection is kept for the next question of a lively chat. */
const KEEP_ALIVE_MS = 30_000;

/** One way out to the network, direct or through a proxy, with the connections it keeps open. */
export interface ProxyFetch {
  readonly fetch: typeof fetch;
  /** The same way for whoever takes responses as they come. */
  readonly dispatcher: Dispatcher;
  /** Breaks what runs and closes all connections. */
  close(): Promise<void>;
}

/**
 * A `fetch` that goes through `proxy`: "http://", "https://" or "socks5://" with an optional user and
 * password, `null` for none. It never times out by itself while it waits for an answer: an answer
 * may take minutes, and whoever asks watches the clock. Throws when the proxy's address is not usable.
 */
export function createProxyFetch(proxy: string | null): ProxyFetch {
  const dispatcher = createDispatcher(proxy);
  // undici's own limits would cut answers of slow models, and not all agents pass them on.
  const patient = dispatcher.compose((dispatch) => (options, handler) => {
    return dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler);
  });
  const proxied = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher: patient });
  return {
    // undici's types of the web standard and Node's differ in name only.
    fetch: proxied as unknown as typeof fetch,
    dispatcher: patient,
    close: () => dispatcher.destroy(),
  };
}

function createDispatcher(proxy: string | null): Dispatcher {
  // Without HTTP/2: one lost packet or reset of a shared connection would break many answers at once.
  const tls = { allowH2: false, timeout: CONNECT_TIMEOUT_MS };
  const options = { allowH2: false, keepAliveTimeout: KEEP_ALIVE_MS };
  if (proxy === null) return new Agent({ ...options, connect: tls });
  const protocol = protocolOf(proxy);
  if (protocol === "socks5:")
    return new Socks5ProxyAgent(proxy, { connectTimeout: CONNECT_TIMEOUT_MS });
  if (protocol === "http:" || protocol === "https:") {
    return new ProxyAgent({
      ...options,
      uri: proxy,
      proxyTunnel: true,
      requestTls: tls,
      proxyTls: tls,
    });
  }
  throw new Error("A proxy of an upstream must begin with http://, https:// or socks5://");
}

function protocolOf(proxy: string): string | null {
  return URL.canParse(proxy) ? new URL(proxy).protocol : null;
}
