import { BlockList, isIP } from "node:net";

const NEAR = new BlockList();
NEAR.addSubnet("127.0.0.0", 8);
NEAR.addSubnet("10.0.0.0", 8);
NEAR.addSubnet("172.16.0.0", 12);
NEAR.addSubnet("192.168.0.0", 16);
NEAR.addAddress("::1", "ipv6");
NEAR.addSubnet("fc00::", 7, "ipv6");

/**
 * Whose request it is. Behind a proxy of ours that is the last address it wrote down; a header
 * from anywhere but a near machine is somebody's claim and is not believed.
 */
export function readRemoteAddress(
  socketAddress: string | undefined,
  forwardedFor: string | null,
  isBehindProxy: boolean,
): string {
  const address = (socketAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isBehindProxy || !isNear(address)) return address;
  const last = forwardedFor?.split(",").at(-1)?.trim() ?? "";
  return isIP(last) === 0 ? address : last;
}

function isNear(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && NEAR.check(address, family === 6 ? "ipv6" : "ipv4");
}
