import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ReplyMetrics } from "./core/reply-metrics.ts";

const SECONDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60];

/** Every metric of the program, one function each, so that a name and its labels exist once. */
export class Metrics implements ReplyMetrics {
  readonly #registry = new Registry();
  readonly #messages = new Counter({
    name: "dianka_messages_total",
    help: "Messages received, by platform and kind.",
    labelNames: ["platform", "kind"],
    registers: [this.#registry],
  });
  readonly #replies = new Counter({
    name: "dianka_replies_total",
    help: "Replies that ended, by platform, model and outcome.",
    labelNames: ["platform", "model", "outcome"],
    registers: [this.#registry],
  });
  readonly #firstWord = new Histogram({
    name: "dianka_first_word_seconds",
    help: "From when a worker might begin to the first word.",
    labelNames: ["model"],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #clamped = new Counter({
    name: "dianka_usage_clamped_total",
    help: "Answers whose upstream reported impossible usage.",
    labelNames: ["model"],
    registers: [this.#registry],
  });
  readonly #deliveryLag = new Histogram({
    name: "dianka_delivery_seconds",
    help: "From the end of an answer to its final text in the chat.",
    labelNames: ["platform"],
    buckets: SECONDS,
    registers: [this.#registry],
  });

  constructor(readOpenReplies: () => Promise<number>) {
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({
      name: "dianka_open_replies",
      help: "Replies that wait or are being written.",
      registers: [this.#registry],
      async collect() {
        this.set(await readOpenReplies());
      },
    });
  }

  messageReceived({ platform, kind }: { platform: string; kind: string }): void {
    this.#messages.inc({ platform, kind });
  }

  replyFinished(event: Parameters<ReplyMetrics["replyFinished"]>[0]): void {
    const { platform, model, outcome, firstWordMs, usageClamped } = event;
    this.#replies.inc({ platform, model, outcome });
    if (firstWordMs !== null) this.#firstWord.observe({ model }, firstWordMs / 1000);
    if (usageClamped) this.#clamped.inc({ model });
  }

  replyDelivered({ platform, lagMs }: { platform: string; lagMs: number }): void {
    this.#deliveryLag.observe({ platform }, Math.max(0, lagMs) / 1000);
  }

  /** In Prometheus' text format. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
