/**
 * What one bot's adapter must remember across restarts: cursors, send budgets, session tokens.
 * Small texts under keys of the adapter's own, such as "cursor:abc" or "budget:xyz". Secrets are
 * sealed by whoever writes them (`SecretBox`).
 */
export interface AdapterMemory {
  read(key: string): Promise<string | null>;
  write(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** Everything whose key begins so, by key. */
  list(prefix: string): Promise<ReadonlyMap<string, string>>;
}
