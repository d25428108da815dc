import type { AuditEntry, AuditLog, AuditRecord } from "../../src/core/admin/audit-log.ts";

/** Keeps records in memory; `isAway` stands for a process that dies before it notes down. */
export class MemoryAuditLog implements AuditLog {
  readonly records: AuditRecord[] = [];
  isAway = false;

  async write(record: AuditRecord): Promise<boolean> {
    if (this.isAway) throw new Error("killed before it was noted down");
    if (this.records.some(({ cause }) => cause === record.cause)) return false;
    this.records.push(record);
    return true;
  }

  async listAbout(target: string, limit: number): Promise<AuditEntry[]> {
    const about = this.records.filter((record) => record.target === target);
    return about
      .toReversed()
      .slice(0, limit)
      .map((record) => ({ ...record, at: new Date(0) }));
  }
}
