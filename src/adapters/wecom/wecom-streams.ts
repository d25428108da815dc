import type { Clock } from "../../core/clock.ts";
import { markOf } from "./wecom-sent.ts";

// https://developer.work.weixin.qq.com/document/path/101463
const STREAM_LIFE_MS = 6 * 60_000;
const REMEMBERED_MAX = 2_000;

interface Stream {
  readonly channel: string;
  readonly openedAtMs: number;
  /** What it says for good; `null` while it is open. */
  finalMark: string | null;
}

/** The streams this process wrote to, by the request they answer. */
export class WecomStreams {
  readonly #clock: Clock;
  readonly #streams = new Map<string, Stream>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** WeCom took this text. */
  wrote(reqId: string, channel: string, text: string, isFinal: boolean): void {
    const known = this.#streams.get(reqId);
    const openedAtMs = known?.openedAtMs ?? this.#clock.now().getTime();
    this.#streams.set(reqId, { channel, openedAtMs, finalMark: isFinal ? markOf(text) : null });
    const oldest = this.#streams.keys().next().value;
    if (this.#streams.size > REMEMBERED_MAX && oldest !== undefined) this.#streams.delete(oldest);
  }

  /** WeCom takes no more. */
  forget(reqId: string): void {
    this.#streams.delete(reqId);
  }

  /** A message is being written there at this moment. */
  isWritingIn(channel: string): boolean {
    const sinceMs = this.#clock.now().getTime() - STREAM_LIFE_MS;
    return [...this.#streams.values()].some(
      (stream) =>
        stream.channel === channel && stream.finalMark === null && stream.openedAtMs > sinceMs,
    );
  }

  /** "open" also when it is not known: then WeCom has to say. */
  stateOf(reqId: string, text: string): "open" | "says so" | "says something else" {
    const finalMark = this.#streams.get(reqId)?.finalMark ?? null;
    if (finalMark === null) return "open";
    return finalMark === markOf(text) ? "says so" : "says something else";
  }
}
