import type { UpstreamMember } from "./upstream-member.ts";

/**
 * The order in which keys are tried for one person: by priority, then by weighted rendezvous
 * hashing. The same person meets the same key first as long as it has room, each key gets people in
 * proportion to its pull, and when a key drops out only its own people move.
 */
export function orderByPreference(
  members: readonly UpstreamMember[],
  stickyKey: string,
  nowMs: number,
): readonly UpstreamMember[] {
  if (members.length < 2) return members;
  return members
    .map((member) => ({ member, distance: distance(member, stickyKey, nowMs) }))
    .sort((a, b) => a.member.priority - b.member.priority || a.distance - b.distance)
    .map(({ member }) => member);
}

/** Exponentially distributed with the pull as its rate, so that the least is chosen in proportion. */
function distance(member: UpstreamMember, stickyKey: string, nowMs: number): number {
  const pull = member.pull(nowMs);
  if (pull <= 0) return Number.MAX_VALUE;
  return -Math.log(uniform(`${member.name}\n${stickyKey}`)) / pull;
}

/** A number above 0 and below 1 that depends on every character: FNV-1a, then murmur3's last step. */
function uniform(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
