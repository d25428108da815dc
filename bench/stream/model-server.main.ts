/** Answers in OpenAI's wire format, from a process of its own; tells its parent the port. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { type AnswerPlan, createEvents, END, planOf } from "./answer-plan.ts";

const TICK_MS = 10;
/** Chunks that leave in one piece while nobody asked for a pace. */
const BURST_CHUNKS = 32;

interface RunningAnswer {
  readonly response: ServerResponse;
  readonly plan: AnswerPlan;
  readonly events: readonly string[];
  /** Streams do not all speak in the same moment. */
  readonly startedAtMs: number;
  sent: number;
}

const running = new Set<RunningAnswer>();
const eventsByPlan = new Map<string, readonly string[]>();
let begun = 0;

const server = createServer(async (request, response) => {
  const plan = planOf(await readModel(request));
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
  begun += 1;
  const events = eventsOf(plan);
  if (plan.perSecond === null) return burst(response, events, 0);
  const shift = ((begun * 7919) % 1000) / plan.perSecond;
  const answer = { response, plan, events, startedAtMs: performance.now() + shift, sent: 0 };
  running.add(answer);
  response.once("close", () => running.delete(answer));
});

// One ticker for all: a timer for each stream would make this process the bottleneck.
setInterval(() => {
  const nowMs = performance.now();
  for (const answer of running) {
    const { perSecond } = answer.plan;
    const due = Math.floor(((nowMs - answer.startedAtMs) / 1000) * (perSecond ?? 0));
    const end = Math.min(due, answer.events.length);
    // Each by itself, as a model writes them.
    for (; answer.sent < end; answer.sent += 1) {
      answer.response.write(answer.events[answer.sent] ?? "");
    }
    if (answer.sent < answer.events.length) continue;
    running.delete(answer);
    answer.response.end(END);
  }
}, TICK_MS);

server.listen(0, "127.0.0.1", 4096, () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.send?.(address.port);
});
process.once("disconnect", () => process.exit());

async function readModel(request: IncomingMessage): Promise<string> {
  const body = (await json(request)) as { readonly model?: unknown };
  return String(body.model);
}

function eventsOf(plan: AnswerPlan): readonly string[] {
  const key = JSON.stringify(plan);
  const events = eventsByPlan.get(key) ?? createEvents(plan.chunks);
  eventsByPlan.set(key, events);
  return events;
}

function burst(response: ServerResponse, events: readonly string[], from: number): void {
  for (let at = from; at < events.length; at += BURST_CHUNKS) {
    if (response.write(events.slice(at, at + BURST_CHUNKS).join(""))) continue;
    response.once("drain", () => burst(response, events, at + BURST_CHUNKS));
    return;
  }
  response.end(END);
}
