/** What the connection of a request tells beyond the request itself. */
export interface RequestConnection {
  /** IP address the request came from, seen through a trusted proxy; "" when unknown. */
  readonly remoteAddress: string;
  /** Aborts when the server stops: a response that has no end of its own must end then. */
  readonly closing: AbortSignal;
}

/**
 * A part of our HTTP address that an adapter serves. Web-standard, so that the adapter needs no
 * HTTP library and its tests need no server.
 */
export interface WebRoute {
  /** Exact, such as "/webhooks/telegram", or with everything below it: "/assets/*". */
  readonly path: string;
  /** Bytes a request body may have; the server's own limit when left out. */
  readonly bodyBytesMax?: number;
  /** A `UserError` it throws becomes an answer that names the code; anything else a plain 500. */
  handle(request: Request, connection: RequestConnection): Promise<Response>;
}
