import type {
  AccountLinks,
  LinkOutcome,
  TryLimits,
  TryOutcome,
  UnlinkOutcome,
} from "../../src/core/account/account-links.ts";
import { createAccountId } from "../../src/core/ids.ts";
import type { FakeClock } from "./fake-clock.ts";

interface Code {
  readonly identityId: bigint;
  readonly hmac: string;
  untilMs: number;
  usedBy: string | null;
}

interface Tries {
  count: number;
  sinceMs: number;
}

/** Accounts, identities and codes in memory. What the accounts own is not here. */
export class MemoryAccountLinks implements AccountLinks {
  readonly #clock: FakeClock;
  readonly #accountOf = new Map<bigint, string>();
  readonly #mergedInto = new Map<string, string>();
  readonly #banned = new Set<string>();
  readonly #codes = new Map<string, Code>();
  readonly #tries = new Map<string, Tries>();

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** A person of an account of their own, or one of an account that exists. */
  addIdentity(identityId: bigint, accountId = createAccountId()): string {
    this.#accountOf.set(identityId, accountId);
    return accountId;
  }

  ban(accountId: string): void {
    this.#banned.add(accountId);
  }

  accountOf(identityId: bigint): string {
    const accountId = this.#accountOf.get(identityId);
    if (accountId === undefined) throw new Error("there is no such identity");
    return accountId;
  }

  identitiesOf(accountId: string): bigint[] {
    return [...this.#accountOf].filter(([, id]) => id === accountId).map(([id]) => id);
  }

  async issue(
    accountId: string,
    identityId: bigint,
    codeHmac: Uint8Array,
    lifeMs: number,
  ): Promise<void> {
    const untilMs = this.#nowMs() + lifeMs;
    const hmac = textOf(codeHmac);
    this.#codes.set(this.#live(accountId), { identityId, hmac, untilMs, usedBy: null });
  }

  async revoke(codeHmac: Uint8Array): Promise<void> {
    const [, code] = this.#find(codeHmac) ?? [];
    if (code !== undefined && code.usedBy === null) code.untilMs = this.#nowMs();
  }

  async countTry(identityKey: string, limits: TryLimits): Promise<TryOutcome> {
    const { windowMs, personMax, everybodyMax } = limits;
    const own = this.#triesOf(identityKey, windowMs);
    const all = this.#triesOf("", windowMs);
    const full = own.count >= personMax ? own : all.count >= everybodyMax ? all : null;
    if (full !== null) return { status: "locked", until: new Date(full.sinceMs + windowMs) };
    own.count += 1;
    own.sinceMs = this.#nowMs();
    all.count += 1;
    return { status: "counted", closes: all.count === everybodyMax };
  }

  async returnTry(identityKey: string): Promise<void> {
    for (const key of [identityKey, ""]) {
      const tries = this.#tries.get(key);
      if (tries !== undefined) tries.count = Math.max(0, tries.count - 1);
    }
  }

  async link(codeHmac: Uint8Array, identityId: bigint): Promise<LinkOutcome> {
    const [issuer, code] = this.#find(codeHmac) ?? [];
    if (issuer === undefined || code === undefined || code.untilMs <= this.#nowMs()) {
      return { status: "invalid" };
    }
    const into = this.#live(issuer);
    const from = this.accountOf(identityId);
    if (from === into) {
      if (code.usedBy === null && code.identityId === identityId) return { status: "own_code" };
      return { status: "already_linked", accountId: into, mergedId: code.usedBy };
    }
    if (code.usedBy !== null) return { status: "invalid" };
    if (this.#banned.has(from) || this.#banned.has(into)) return { status: "banned" };
    code.usedBy = from;
    const own = this.#codes.get(from);
    if (own !== undefined) own.usedBy ??= from;
    for (const id of this.identitiesOf(from)) this.#accountOf.set(id, into);
    this.#mergedInto.set(from, into);
    return { status: "linked", accountId: into, mergedId: from };
  }

  async unlink(identityId: bigint, newAccountId: string): Promise<UnlinkOutcome> {
    const formerId = this.accountOf(identityId);
    if (this.#banned.has(formerId)) return { status: "banned" };
    if (this.identitiesOf(formerId).length === 1) return { status: "only_one" };
    this.#accountOf.set(identityId, newAccountId);
    const code = this.#codes.get(formerId);
    if (code !== undefined) code.untilMs = Math.min(code.untilMs, this.#nowMs());
    return { status: "unlinked", formerId };
  }

  #find(codeHmac: Uint8Array): [string, Code] | undefined {
    return [...this.#codes].find(([, code]) => code.hmac === textOf(codeHmac));
  }

  #live(accountId: string): string {
    const into = this.#mergedInto.get(accountId);
    return into === undefined ? accountId : this.#live(into);
  }

  #triesOf(key: string, windowMs: number): Tries {
    const known = this.#tries.get(key);
    if (known !== undefined && this.#nowMs() < known.sinceMs + windowMs) return known;
    const fresh = { count: 0, sinceMs: this.#nowMs() };
    this.#tries.set(key, fresh);
    return fresh;
  }

  #nowMs(): number {
    return this.#clock.now().getTime();
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
