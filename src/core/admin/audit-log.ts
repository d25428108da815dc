/** What an admin did, and what it changed. */
export interface AuditRecord {
  /** Of one action there is one record, also when the command is done once more after a crash. */
  readonly cause: string;
  /** "telegram:42" or whoever acted. */
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface AuditEntry extends Omit<AuditRecord, "cause"> {
  /** `null` in old records. */
  readonly cause: string | null;
  readonly at: Date;
}

/** Keeps every admin action for good. */
export interface AuditLog {
  /** Returns `false` when the cause has its record already, which stays as it is. */
  write(record: AuditRecord): Promise<boolean>;
  /** Newest first, those about one target. */
  listAbout(target: string, limit: number): Promise<AuditEntry[]>;
}
