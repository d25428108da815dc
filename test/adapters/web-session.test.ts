import { describe, expect, it } from "vitest";
import { WebSession } from "../../src/adapters/web/web-session.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

const DAY_MS = 24 * 60 * 60_000;
const key = new Uint8Array(32).fill(1);

function session(
  options: {
    key?: Uint8Array;
    adminKey?: string | null;
    isSecure?: boolean;
    clock?: FakeClock;
  } = {},
) {
  return new WebSession({
    key,
    adminKey: "secret",
    isSecure: false,
    clock: new FakeClock(),
    ...options,
  });
}

function withCookie(cookie: string): Request {
  return new Request("http://chat.example/", { headers: { cookie: cookie.split(";")[0] ?? "" } });
}

describe("WebSession", () => {
  it("knows a visitor again by the cookie it gave them", () => {
    const sessions = session();
    const visitor = sessions.createVisitor();
    expect(sessions.readVisitor(withCookie(visitor.cookie))).toEqual({
      id: visitor.id,
      renewal: null,
    });
  });

  it("gives every visitor another id", () => {
    const sessions = session();
    expect(sessions.createVisitor().id).not.toBe(sessions.createVisitor().id);
  });

  it("keeps the cookie from scripts and other sites, and on https from plain http", () => {
    const { cookie } = session().createVisitor();
    expect(cookie).toMatch(/; Max-Age=31536000; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(session({ isSecure: true }).createVisitor().cookie).toMatch(/; Secure$/);
  });

  it("refuses a cookie somebody changed or another key signed", () => {
    const sessions = session();
    const { id, cookie } = sessions.createVisitor();
    const forged = cookie.replace(id, "0".repeat(24));
    expect(sessions.readVisitor(withCookie(forged))).toBeNull();
    const other = session({ key: new Uint8Array(32).fill(2) });
    expect(other.readVisitor(withCookie(cookie))).toBeNull();
    expect(sessions.readVisitor(withCookie("dianka_visitor=x"))).toBeNull();
    expect(sessions.readVisitor(new Request("http://chat.example/"))).toBeNull();
  });

  it("finds its cookie among others, and the valid one among two of that name", () => {
    const sessions = session();
    const { id, cookie } = sessions.createVisitor();
    const header = `a=b; dianka_visitor=old.1.x; ${cookie.split(";")[0]}`;
    const request = new Request("http://chat.example/", { headers: { cookie: header } });
    expect(sessions.readVisitor(request)?.id).toBe(id);
  });

  it("renews a cookie after a week and forgets one after a year", async () => {
    const clock = new FakeClock();
    const sessions = session({ clock });
    const { id, cookie } = sessions.createVisitor();
    await clock.advance(7 * DAY_MS);
    expect(sessions.readVisitor(withCookie(cookie))?.renewal).toBeNull();
    await clock.advance(1000);
    const renewal = sessions.readVisitor(withCookie(cookie))?.renewal ?? "";
    await clock.advance(358 * DAY_MS - 2000);
    expect(sessions.readVisitor(withCookie(cookie))?.id).toBe(id);
    await clock.advance(1000);
    expect(sessions.readVisitor(withCookie(cookie))).toBeNull();
    expect(sessions.readVisitor(withCookie(renewal))?.id).toBe(id);
  });

  it("opens the admin chat with the key only", () => {
    const sessions = session();
    expect(sessions.createAdminCookie("secre")).toBeNull();
    expect(sessions.createAdminCookie("")).toBeNull();
    const cookie = sessions.createAdminCookie("secret") ?? "";
    expect(cookie).toMatch(/; Max-Age=2592000; Path=\/admin-chat; HttpOnly; SameSite=Strict$/);
    expect(sessions.isAdmin(withCookie(cookie))).toBe(true);
  });

  it("has no admins without an admin key", () => {
    const cookie = session().createAdminCookie("secret") ?? "";
    const closed = session({ adminKey: null });
    expect(closed.createAdminCookie("secret")).toBeNull();
    expect(closed.isAdmin(withCookie(cookie))).toBe(false);
  });

  it("ends all admin sessions when the key changes", () => {
    const cookie = session().createAdminCookie("secret") ?? "";
    expect(session({ adminKey: "another" }).isAdmin(withCookie(cookie))).toBe(false);
  });

  it("takes no visitor's cookie for an admin's", () => {
    const sessions = session();
    const value = sessions.createVisitor().cookie.split(";")[0]?.split("=")[1];
    expect(sessions.isAdmin(withCookie(`dianka_admin=${value}`))).toBe(false);
  });
});
