/** What an admin did, and what it changed. */
export interface AuditRecord {
  /** "telegram:42" or whoever acted. */
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Keeps every admin action for good. */
export interface AuditLog {
  write(record: AuditRecord): Promise<void>;
  /** Newest first, those about one target. */
  listAbout(target: string, limit: number): Promise<(AuditRecord & { readonly at: Date })[]>;
}
