import type { BenchPlatform } from "./platforms.ts";
import type { RunResult, StreamResult } from "./run.ts";

const SLACK_MS = 150;
const USED_SHARE_MIN = 0.95;

export interface Summary {
  readonly row: Record<string, string | number>;
  readonly verdict: string;
  readonly isGood: boolean;
}

/** What a run was worth, against what the platform's declared pace allows. */
export function summarize(platform: BenchPlatform, { streams, refusals }: RunResult): Summary {
  const inexact = streams.filter((stream) => !stream.isExact).length;
  const finalMs = Math.max(...streams.map((stream) => stream.finalAfterMs));
  if (platform.capabilities.edit === null) {
    const isGood = refusals === 0 && inexact === 0;
    return {
      row: { refusals, "final max ms": finalMs, inexact, messages: countMessages(streams) },
      verdict: `${refusals} refusals, ${inexact} inexact, final ≤ ${finalMs} ms`,
      isGood,
    };
  }
  const used = usedShare(platform, streams);
  const lags = streams.flatMap((stream) => stream.lagsMs);
  const late = streams.flatMap((stream) =>
    stream.lagsMs.filter((lagMs) => lagMs > intervalMs(platform, stream, streams) + SLACK_MS),
  );
  const lateFinals = streams.filter(
    (stream) => stream.finalAfterMs > intervalMs(platform, stream, streams) + SLACK_MS,
  );
  const isGood =
    refusals === 0 &&
    inexact === 0 &&
    used >= USED_SHARE_MIN &&
    late.length === 0 &&
    lateFinals.length === 0;
  const percent = `${(used * 100).toFixed(1)} %`;
  return {
    row: {
      "used of allowed": percent,
      refusals,
      "lag p50 ms": percentile(lags, 0.5),
      "lag p99 ms": percentile(lags, 0.99),
      "lag max ms": percentile(lags, 1),
      "changes too late": late.length,
      "final max ms": finalMs,
      "finals too late": lateFinals.length,
      inexact,
      messages: countMessages(streams),
      changes: lags.length,
    },
    verdict: `${percent} used, ${refusals} refusals, ${late.length} of ${lags.length} changes late, lag ≤ ${percentile(lags, 1)} ms, final ≤ ${finalMs} ms, ${inexact} inexact`,
    isGood,
  };
}

/** One allowed interval of a stream, alone and as its part of what all may do together. */
function intervalMs(
  platform: BenchPlatform,
  stream: StreamResult,
  streams: readonly StreamResult[],
): number {
  // Each further message costs a call more, and one when text moves there.
  const furtherCalls = 2 * (countMessages(streams) - streams.length);
  const durationMs = stream.endedAtMs - stream.startedAtMs;
  const calls = (platform.capabilities.callsPerSecondMax * durationMs) / 1000;
  const roundsMax = (calls - furtherCalls) / streams.length;
  return Math.max(intervalAloneMs(platform, stream), durationMs / roundsMax);
}

function intervalAloneMs({ capabilities }: BenchPlatform, { isGroup }: StreamResult): number {
  const { edit, pace } = capabilities;
  return isGroup
    ? Math.max(edit?.groupIntervalMsMin ?? 0, pace.group.refillMs)
    : Math.max(edit?.directIntervalMsMin ?? 0, pace.direct.refillMs);
}

/**
 * Calls made while answers grow, as a share of those allowed: by each chat's own pace, and for all
 * together by what finals of other answers leave of the bot's calls a second.
 */
function usedShare(platform: BenchPlatform, streams: readonly StreamResult[]): number {
  const stepMs = 1000;
  const botMax = (platform.capabilities.callsPerSecondMax * stepMs) / 1000;
  const endMs = Math.max(...streams.map((stream) => stream.endedAtMs));
  let made = 0;
  let allowed = 0;
  let fromMs = Math.min(...streams.map((stream) => stream.startedAtMs));
  for (; fromMs < endMs; fromMs += stepMs) {
    let finals = 0;
    let wanted = 0;
    for (const stream of streams) {
      const calls = stream.callsAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + stepMs);
      const previews = calls.filter((atMs) => atMs <= stream.endedAtMs).length;
      made += previews;
      finals += calls.length - previews;
      const growingMs =
        Math.min(fromMs + stepMs, stream.endedAtMs) - Math.max(fromMs, stream.startedAtMs);
      wanted += Math.max(0, growingMs) / intervalAloneMs(platform, stream);
    }
    allowed += Math.min(wanted, Math.max(0, botMax - finals));
  }
  return made / allowed;
}

function countMessages(streams: readonly StreamResult[]): number {
  return streams.reduce((total, stream) => total + stream.messages, 0);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}
