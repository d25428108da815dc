import { randomBytes } from "node:crypto";
import type { Clock } from "../../../src/core/clock.ts";

const HOUR_MS = 3_600_000;
const TOKEN_SECONDS = 7_200;
const TOKEN_OVERLAP_MS = 5 * 60_000;

/** A refusal, as WeChat words it. */
export class WechatError extends Error {
  override readonly name = "WechatError";
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** One person as WeChat knows them, and what they see in the chat. */
export interface Follower {
  readonly openId: string;
  isFollower: boolean;
  readonly shown: string[];
  typingUntilMs: number;
  message: { atMs: number; left: number } | null;
  event: { atMs: number; left: number } | null;
}

interface GrantedToken {
  readonly token: string;
  readonly expiresAtMs: number;
  isRevoked: boolean;
}

export interface WechatOaSettings {
  readonly clock: Clock;
  readonly appId: string;
  readonly appSecret: string;
  /** May send customer-service messages. */
  hasCustomerService: boolean;
  /** Our address is on the account's list. */
  isAddressAllowed: boolean;
}

/** What WeChat keeps for one account, and the rules it applies. */
export class WechatOaState {
  readonly settings: WechatOaSettings;
  readonly followers = new Map<string, Follower>();
  readonly tokens: GrantedToken[] = [];
  readonly pictures = new Map<string, Uint8Array>();
  menu: unknown = null;

  constructor(settings: WechatOaSettings) {
    this.settings = settings;
  }

  get nowMs(): number {
    return this.settings.clock.now().getTime();
  }

  follower(openId: string): Follower {
    const known = this.followers.get(openId);
    if (known !== undefined) return known;
    const follower: Follower = {
      openId,
      isFollower: true,
      shown: [],
      typingUntilMs: 0,
      message: null,
      event: null,
    };
    this.followers.set(openId, follower);
    return follower;
  }

  touch(openId: string, kind: "message" | "event"): void {
    this.follower(openId)[kind] = { atMs: this.nowMs, left: kind === "message" ? 5 : 3 };
  }

  grantToken(isForced: boolean): { token: string; expiresInSeconds: number } {
    const current = this.tokens.at(-1);
    const leftMs = current === undefined ? 0 : current.expiresAtMs - this.nowMs;
    if (current !== undefined && !isForced && !current.isRevoked && leftMs > TOKEN_OVERLAP_MS) {
      return { token: current.token, expiresInSeconds: Math.floor(leftMs / 1000) };
    }
    if (isForced) for (const token of this.tokens) token.isRevoked = true;
    const token = randomBytes(24).toString("base64url");
    const expiresAtMs = this.nowMs + TOKEN_SECONDS * 1000;
    this.tokens.push({ token, expiresAtMs, isRevoked: false });
    return { token, expiresInSeconds: TOKEN_SECONDS };
  }

  /** Somebody else fetched a token by force, or an operator reset the secret. */
  revokeTokens(): void {
    for (const token of this.tokens) token.isRevoked = true;
  }

  checkToken(token: string | null): void {
    if (!this.settings.isAddressAllowed) {
      throw new WechatError(
        40164,
        "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 6a-1",
      );
    }
    if (token === null) throw new WechatError(41001, "access_token missing");
    const known = this.tokens.find((candidate) => candidate.token === token);
    if (known === undefined || known.isRevoked) {
      throw new WechatError(40001, "invalid credential, access_token is invalid or not latest");
    }
    if (known.expiresAtMs <= this.nowMs) throw new WechatError(42001, "access_token expired");
  }

  reachable(openId: string): Follower {
    const follower = this.followers.get(openId);
    if (follower === undefined) throw new WechatError(40003, "invalid openid");
    if (!follower.isFollower) throw new WechatError(43004, "require subscribe");
    if (!this.settings.hasCustomerService) throw new WechatError(48001, "api unauthorized");
    return follower;
  }

  /** Takes one of the messages that the person's last contacts allow. */
  takeSend(follower: Follower): void {
    const { message, event } = follower;
    const open = [
      message !== null && this.nowMs - message.atMs < 48 * HOUR_MS ? message : null,
      event !== null && this.nowMs - event.atMs < 60_000 ? event : null,
    ].filter((contact) => contact !== null);
    if (open.length === 0) throw new WechatError(45015, "response out of time limit");
    if (open.every(({ left }) => left === 0)) {
      throw new WechatError(45047, "out of response count limit");
    }
    for (const contact of open) contact.left = Math.max(0, contact.left - 1);
  }
}
