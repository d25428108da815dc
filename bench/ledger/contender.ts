/** Which account a charge is for. */
export type Load = "spread" | "hot";

export interface Measurement {
  readonly perSecond: number;
  /** Of one charge, from the call to the answer; `null` where it cannot be seen. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly done: number;
}

/** One way to do the work, measured in turns with the others. */
export interface Contender extends AsyncDisposable {
  readonly name: string;
  /** How many callers there are at once. */
  callers(load: Load): number;
  measure(load: Load, ms: number): Promise<Measurement>;
}

/** Does `work` over and over from so many callers; each begins again when it has its answer. */
export async function drive(
  callers: number,
  ms: number,
  work: () => Promise<void>,
): Promise<Measurement> {
  const latencies: number[] = [];
  const startMs = performance.now();
  const caller = async () => {
    for (let fromMs = performance.now(); fromMs < startMs + ms; ) {
      await work();
      const nowMs = performance.now();
      latencies.push(nowMs - fromMs);
      fromMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - startMs) / 1000;
  latencies.sort((a, b) => a - b);
  const percentile = (share: number) =>
    latencies[Math.floor(share * (latencies.length - 1))] ?? null;
  return {
    perSecond: latencies.length / seconds,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    done: latencies.length,
  };
}
