import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../core/clock.ts";

const VISITOR_COOKIE = "dianka_visitor";
const ADMIN_COOKIE = "dianka_admin";
const DAY_S = 24 * 60 * 60;
const VISITOR_COOKIE_S = 365 * DAY_S;
const VISITOR_RENEWED_AFTER_S = 7 * DAY_S;
const ADMIN_COOKIE_S = 30 * DAY_S;
const VISITOR_ID = /^[0-9a-f]{24}$/;

export interface WebSessionOptions {
  /** Signs the cookies; at least 32 bytes. */
  readonly key: Uint8Array;
  /** `null`: there is no admin chat. */
  readonly adminKey: string | null;
  /** The page is served over https. */
  readonly isSecure: boolean;
  readonly clock: Clock;
}

/** Who comes with a cookie of ours. `renewal` is a fresh cookie to send back, when it is time. */
export interface Visitor {
  readonly id: string;
  readonly renewal: string | null;
}

/**
 * Knows people by signed cookies, so that nothing has to be stored before they write. Changing the
 * admin key ends all admin sessions.
 */
export class WebSession {
  readonly #options: WebSessionOptions;

  constructor(options: WebSessionOptions) {
    this.#options = options;
  }

  createVisitor(): { readonly id: string; readonly cookie: string } {
    const id = randomBytes(12).toString("hex");
    return { id, cookie: this.#visitorCookie(id) };
  }

  readVisitor(request: Request): Visitor | null {
    const signed = this.#readSigned(request, VISITOR_COOKIE, "visitor", VISITOR_COOKIE_S);
    if (signed === null || !isVisitorId(signed.subject)) return null;
    const isOld = signed.ageS > VISITOR_RENEWED_AFTER_S;
    return { id: signed.subject, renewal: isOld ? this.#visitorCookie(signed.subject) : null };
  }

  /** `null` when `key` is not the admin key; compared in constant time. */
  createAdminCookie(key: string): string | null {
    const { adminKey } = this.#options;
    if (adminKey === null || !isSame(sha256(key), sha256(adminKey))) return null;
    const value = this.#sign(this.#adminPurpose(adminKey), "admin");
    return this.#cookie(ADMIN_COOKIE, value, ADMIN_COOKIE_S, "/admin-chat", "Strict");
  }

  isAdmin(request: Request): boolean {
    const { adminKey } = this.#options;
    if (adminKey === null) return false;
    const purpose = this.#adminPurpose(adminKey);
    return this.#readSigned(request, ADMIN_COOKIE, purpose, ADMIN_COOKIE_S) !== null;
  }

  #visitorCookie(id: string): string {
    return this.#cookie(VISITOR_COOKIE, this.#sign("visitor", id), VISITOR_COOKIE_S, "/", "Lax");
  }

  #adminPurpose(adminKey: string): string {
    return `admin ${sha256(adminKey).toString("hex")}`;
  }

  #cookie(name: string, value: string, ageS: number, path: string, sameSite: string): string {
    const secure = this.#options.isSecure ? "; Secure" : "";
    return `${name}=${value}; Max-Age=${ageS}; Path=${path}; HttpOnly; SameSite=${sameSite}${secure}`;
  }

  #sign(purpose: string, subject: string): string {
    const issuedS = Math.floor(this.#options.clock.now().getTime() / 1000);
    const payload = `${subject}.${issuedS}`;
    return `${payload}.${this.#mac(purpose, payload).toString("base64url")}`;
  }

  #readSigned(
    request: Request,
    cookieName: string,
    purpose: string,
    ageMaxS: number,
  ): { readonly subject: string; readonly ageS: number } | null {
    for (const value of readCookies(request, cookieName)) {
      const [subject, issued, mac, ...rest] = value.split(".");
      if (subject === undefined || issued === undefined || mac === undefined) continue;
      const expected = this.#mac(purpose, `${subject}.${issued}`);
      if (rest.length > 0 || !isSame(Buffer.from(mac, "base64url"), expected)) continue;
      const ageS = this.#options.clock.now().getTime() / 1000 - Number(issued);
      if (ageS < ageMaxS) return { subject, ageS };
    }
    return null;
  }

  #mac(purpose: string, payload: string): Buffer {
    return createHmac("sha256", this.#options.key).update(`web ${purpose}\n${payload}`).digest();
  }
}

export function isVisitorId(text: string): boolean {
  return VISITOR_ID.test(text);
}

/** A browser may send several cookies of one name, of different paths. */
function readCookies(request: Request, name: string): string[] {
  const pairs = (request.headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
  return pairs
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function isSame(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
