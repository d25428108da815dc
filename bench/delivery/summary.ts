import type { BenchPlatform } from "./platforms.ts";
import type { RunResult, StreamResult } from "./run.ts";

const SLACK_MS = 150;
const USED_SHARE_MIN = 0.95;
/** A bot's calls a second are counted over so long, for not all take the same time to arrive. */
const COUNTED_MS = 1040;

export interface Summary {
  readonly row: Record<string, string | number>;
  readonly verdict: string;
  readonly isGood: boolean;
}

/** What a run was worth, against what the platform's declared pace allows. */
export function summarize(platform: BenchPlatform, { streams, refusals }: RunResult): Summary {
  const inexact = streams.filter((stream) => !stream.isExact).length;
  const finalMs = Math.max(...streams.map((stream) => stream.finalAfterMs));
  const messages = streams.reduce((total, stream) => total + stream.messages, 0);
  if (platform.capabilities.edit === null) {
    return {
      row: { refusals, "final max ms": finalMs, inexact, messages },
      verdict: `${refusals} refusals, final ≤ ${finalMs} ms, ${inexact} inexact`,
      isGood: refusals === 0 && inexact === 0,
    };
  }
  const used = usedShare(platform, streams);
  const timeline = new Timeline(platform, streams);
  const lags = streams.flatMap(({ changes }) => changes.map(({ lagMs }) => lagMs));
  const late = streams.flatMap((stream) =>
    stream.changes.filter(({ atMs, lagMs }) => {
      return lagMs > timeline.intervalMs(stream, atMs - lagMs, atMs) + SLACK_MS;
    }),
  ).length;
  const beyondOwn = streams.flatMap((stream) =>
    stream.changes.filter(({ lagMs }) => lagMs > intervalAloneMs(platform, stream) + SLACK_MS),
  ).length;
  const lateFinals = streams.filter((stream) => {
    const { endedAtMs, finalAfterMs } = stream;
    const untilMs = endedAtMs + finalAfterMs;
    return finalAfterMs > timeline.intervalMs(stream, endedAtMs, untilMs) + SLACK_MS;
  }).length;
  const percent = `${(used * 100).toFixed(1)} %`;
  const lagMaxMs = percentile(lags, 1);
  return {
    row: {
      "used of allowed": percent,
      refusals,
      "lag p50 ms": percentile(lags, 0.5),
      "lag p99 ms": percentile(lags, 0.99),
      "lag max ms": lagMaxMs,
      late: `${late} of ${lags.length}`,
      "beyond own interval": beyondOwn,
      "final max ms": finalMs,
      "late finals": lateFinals,
      inexact,
      messages,
    },
    verdict: `${percent} used, ${refusals} refusals, ${late} of ${lags.length} changes late (${beyondOwn} beyond the chat's own interval), lag ≤ ${lagMaxMs} ms, final ≤ ${finalMs} ms, ${inexact} inexact`,
    isGood: used >= USED_SHARE_MIN && refusals + inexact + late + lateFinals === 0,
  };
}

/** Knows how long an allowed interval was at a time. */
class Timeline {
  readonly #platform: BenchPlatform;
  readonly #streams: readonly StreamResult[];
  readonly #callsAtMs: readonly number[];
  /** When calls came that go before previews: finals, and those that begin messages. */
  readonly #firstCallsAtMs: readonly number[];

  constructor(platform: BenchPlatform, streams: readonly StreamResult[]) {
    this.#platform = platform;
    this.#streams = streams;
    this.#callsAtMs = streams.flatMap(({ calls }) => calls.map(({ atMs }) => atMs));
    this.#firstCallsAtMs = streams.flatMap(({ calls, endedAtMs }) =>
      calls.filter(({ atMs, isFirst }) => isFirst || atMs > endedAtMs).map(({ atMs }) => atMs),
    );
  }

  /**
   * One interval of its chat. Once that is over the bot's own limit may make the stream wait: for
   * one call of each growing answer, for those that go first, and while there is no break.
   */
  intervalMs(stream: StreamResult, fromMs: number, untilMs: number): number {
    const aloneMs = intervalAloneMs(this.#platform, stream);
    const count = (times: readonly number[], sinceMs: number) =>
      times.filter((atMs) => atMs > sinceMs && atMs <= untilMs).length;
    const growing = this.#streams.filter(
      ({ startedAtMs, endedAtMs }) => startedAtMs <= untilMs && fromMs <= endedAtMs,
    ).length;
    const ahead = Math.min(
      count(this.#callsAtMs, fromMs + aloneMs),
      growing + count(this.#firstCallsAtMs, fromMs),
    );
    const { callsPerSecondMax } = this.#platform.capabilities;
    return aloneMs + (ahead * COUNTED_MS) / callsPerSecondMax;
  }
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
      const calls = stream.calls.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + stepMs);
      const previews = calls.filter(({ atMs }) => atMs <= stream.endedAtMs).length;
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

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}
