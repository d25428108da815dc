import { describe, expect, it } from "vitest";
import { readRemoteAddress } from "../../src/http/remote-address.ts";

describe("readRemoteAddress", () => {
  it.each([
    [
      "takes the connection's own address without a proxy",
      "203.0.113.5",
      "198.51.100.7",
      false,
      "203.0.113.5",
    ],
    [
      "believes no header without a proxy, from near by either",
      "127.0.0.1",
      "198.51.100.7",
      false,
      "127.0.0.1",
    ],
    ["believes a proxy on this machine", "127.0.0.1", "198.51.100.7", true, "198.51.100.7"],
    ["believes a proxy in the next container", "172.18.0.2", "198.51.100.7", true, "198.51.100.7"],
    ["believes a proxy over IPv6", "fd00::1", "2001:db8::7", true, "2001:db8::7"],
    [
      "believes what the proxy added, not what was sent to it",
      "10.0.0.1",
      "1.1.1.1, 198.51.100.7",
      true,
      "198.51.100.7",
    ],
    ["believes no header from far away", "203.0.113.5", "198.51.100.7", true, "203.0.113.5"],
    ["takes a proxy that says nothing for who asks", "10.0.0.1", null, true, "10.0.0.1"],
    ["takes nothing that is no address", "10.0.0.1", "unknown", true, "10.0.0.1"],
    ["reads an IPv4 address written as IPv6", "::ffff:203.0.113.5", null, false, "203.0.113.5"],
    ["has no address when there is none", undefined, null, true, ""],
  ])("%s", (_name, socket, forwarded, isBehindProxy, expected) => {
    expect(readRemoteAddress(socket, forwarded, isBehindProxy)).toBe(expected);
  });

  it.each([
    ["172.15.255.255", false],
    ["172.16.0.0", true],
    ["172.31.255.255", true],
    ["172.32.0.0", false],
    ["192.168.0.1", true],
    ["192.169.0.1", false],
  ])("counts %s as near: %s", (socket, isNear) => {
    expect(readRemoteAddress(socket, "198.51.100.7", true)).toBe(isNear ? "198.51.100.7" : socket);
  });
});
