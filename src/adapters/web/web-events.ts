import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";

const HEARTBEAT_MS = 15_000;
const STREAMS_MAX = 2000;
/** Bytes that may wait for a slow reader beyond its snapshot. */
const BACKLOG_BYTES_MAX = 1024 * 1024;
/** Channels whose last event is remembered, so that a short break costs no snapshot. */
const CHANNELS_REMEMBERED_MAX = 10_000;

/** One thing that happened in a channel; the name and the JSON body of a server-sent event. */
export interface WebEvent {
  readonly name: "snapshot" | "message" | "edit" | "delete" | "typing" | "replaced";
  readonly data: unknown;
}

export interface OpenStream {
  readonly channel: string;
  /** Streams this channel may have; one more ends the oldest of them. */
  readonly streamsMax: number;
  /** What the page saw last; `null` on a first visit. */
  readonly lastEventId: string | null;
  /** Reads the whole state, for a page that missed something. */
  readonly readSnapshot: () => Promise<unknown>;
  readonly closing: AbortSignal;
}

/** Carries what happens in a channel to all its open tabs, as server-sent events. */
export class WebEvents {
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  readonly #streams = new Map<string, Set<EventStream>>();
  readonly #lastEventIds = new Map<string, string>();
  /** Event ids of another run of the program mean nothing to this one. */
  readonly #run = randomBytes(6).toString("hex");
  #eventCount = 0;
  #streamCount = 0;
  #isBeating = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `null` when there are too many streams in all. */
  async open(request: OpenStream): Promise<ReadableStream<Uint8Array> | null> {
    if (this.#streamCount >= STREAMS_MAX || this.#stopped.signal.aborted) return null;
    const close = () => stream.close();
    const stream = new EventStream(() => {
      request.closing.removeEventListener("abort", close);
      this.#forget(request.channel, stream);
    });
    request.closing.addEventListener("abort", close);
    this.#remember(request, stream);
    const lastEventId = this.#lastEventIds.get(request.channel);
    if (lastEventId === undefined || lastEventId !== request.lastEventId) {
      await this.#sendSnapshot(request, stream);
    }
    stream.begin();
    if (request.closing.aborted) stream.close();
    void this.#beat();
    return stream.body;
  }

  publish(channel: string, event: WebEvent): void {
    this.#eventCount += 1;
    const id = this.#nameLastEvent(channel);
    for (const stream of this.#streams.get(channel) ?? []) stream.write(format(event, id));
  }

  /** Ends all streams; the pages come back by themselves once there is a server again. */
  stop(): void {
    this.#stopped.abort();
    const all = [...this.#streams.values()].flatMap((streams) => [...streams]);
    for (const stream of all) stream.close();
  }

  #nameLastEvent(channel: string): string {
    const id = `${this.#run}-${this.#eventCount}`;
    this.#lastEventIds.delete(channel);
    this.#lastEventIds.set(channel, id);
    if (this.#lastEventIds.size > CHANNELS_REMEMBERED_MAX) {
      const oldest = this.#lastEventIds.keys().next().value;
      if (oldest !== undefined) this.#lastEventIds.delete(oldest);
    }
    return id;
  }

  async #sendSnapshot(request: OpenStream, stream: EventStream): Promise<void> {
    // Named before reading: what happens meanwhile is sent after it, once more at worst.
    const id = this.#lastEventIds.get(request.channel) ?? this.#nameLastEvent(request.channel);
    try {
      stream.lead(format({ name: "snapshot", data: await request.readSnapshot() }, id));
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  #remember(request: OpenStream, stream: EventStream): void {
    const streams = this.#streams.get(request.channel) ?? new Set();
    this.#streams.set(request.channel, streams);
    const [oldest] = streams;
    if (oldest !== undefined && streams.size >= request.streamsMax) {
      oldest.write(format({ name: "replaced", data: {} }, null));
      oldest.close();
      // Closing the last one forgot the set.
      this.#streams.set(request.channel, streams);
    }
    streams.add(stream);
    this.#streamCount += 1;
  }

  #forget(channel: string, stream: EventStream): void {
    const streams = this.#streams.get(channel);
    if (streams?.delete(stream) !== true) return;
    this.#streamCount -= 1;
    if (streams.size === 0) this.#streams.delete(channel);
  }

  /** Keeps proxies from closing quiet streams; a page that hears no beat knows its stream is dead. */
  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    while (this.#streamCount > 0 && !this.#stopped.signal.aborted) {
      await this.#clock.sleep(HEARTBEAT_MS, this.#stopped.signal);
      for (const streams of this.#streams.values()) {
        for (const stream of streams) stream.write("event: beat\ndata: {}\n\n");
      }
    }
    this.#isBeating = false;
  }
}

/** One open tab. What is written before `begin` waits, so that a snapshot can go first. */
class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #onClose: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #waiting: string[] = [];
  #allowanceBytes = BACKLOG_BYTES_MAX;
  #hasBegun = false;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#end(),
      },
      { highWaterMark: 0, size: (chunk) => chunk.byteLength },
    );
  }

  /** Sends something before all that waits; it may be as long as it is. */
  lead(text: string): void {
    const bytes = this.#encoder.encode(text);
    this.#allowanceBytes += bytes.byteLength;
    this.#controller?.enqueue(bytes);
  }

  begin(): void {
    // The time after which the page tries again when the connection breaks.
    this.#controller?.enqueue(this.#encoder.encode("retry: 1000\n\n"));
    this.#hasBegun = true;
    for (const text of this.#waiting) this.write(text);
    this.#waiting = [];
  }

  write(text: string): void {
    if (this.#controller === null) return;
    if (!this.#hasBegun) {
      this.#waiting.push(text);
      return;
    }
    this.#controller.enqueue(this.#encoder.encode(text));
    const backlogBytes = -(this.#controller.desiredSize ?? 0);
    // A reader that far behind comes back for a snapshot, which is shorter.
    if (backlogBytes > this.#allowanceBytes) this.close();
  }

  close(): void {
    const controller = this.#controller;
    this.#end();
    controller?.close();
  }

  #end(): void {
    if (this.#controller === null) return;
    this.#controller = null;
    this.#waiting = [];
    this.#onClose();
  }
}

function format(event: WebEvent, id: string | null): string {
  const idLine = id === null ? "" : `id: ${id}\n`;
  return `${idLine}event: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`;
}
