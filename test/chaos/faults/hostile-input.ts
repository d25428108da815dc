import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { Stage } from "../stage.ts";
import { percentile } from "../wait-for.ts";

const DOSES = {
  short: { slow: 100, durationMs: 5_000 },
  long: { slow: 500, durationMs: 30_000 },
} as const;
/** How long others may wait for the program's event loop. */
const LAG_MS_MAX = 50;
const PROBE_EVERY_MS = 20;
const RSS_FACTOR_MAX = 1.5;
const RSS_SPARE_MB = 60;
const DEEP = 100;

/** Long runs of one letter, huge and deep bodies, slow clients: others hardly notice. */
export const hostileInput: Fault = {
  id: "F20",
  title: "hostile input mix",
  onBothQueues: false,
  async run(context) {
    const { slow, durationMs } = DOSES[context.dose];
    await using stage = await Stage.open({
      ...context,
      environment: { WEB_CHAT: "on" },
      chat: { questionLengthMax: 40_000, contextTokensMax: 60_000 },
    });
    const program = await stage.start("all");
    const people = await stage.addPeople(6);
    const [calm = 0, ...hostile] = people;
    // The tokenizer is loaded with the first question.
    stage.ask(calm, { tokens: 5, tokenMs: 5 });
    await stage.settle(30_000);
    const quiet = await probe(program.url, 2_000, () => {});
    await loopLagMs(program.url);
    const rssBeforeMb = await rssMb(program.pid);
    const sockets: Socket[] = [];
    let turn = 0;
    const busy = await probe(program.url, durationMs, () => {
      turn += 1;
      if (turn % 10 === 1) void attack(stage, program.url, hostile, turn);
      if (sockets.length < slow) sockets.push(openSlowly(program.url));
    });
    const lagMs = await loopLagMs(program.url);
    const rssMbAfter = await rssMb(program.pid);
    for (const socket of sockets) socket.destroy();
    for (const person of hostile) stage.gone.add(person);
    stage.ask(calm, { tokens: 5, tokenMs: 5 });
    await stage.settle(120_000);
    const [quietMs, p99] = [percentile(quiet, 0.99), percentile(busy, 0.99)];
    return {
      rounds: turn,
      seen: `loop lag p99 ${Math.round(lagMs)} ms, answer of /healthz p99 ${Math.round(p99)} ms (quiet ${Math.round(quietMs)} ms), max ${Math.round(Math.max(...busy))} ms beside ${sockets.length} slow clients; ${Math.round(rssBeforeMb)} MB → ${Math.round(rssMbAfter)} MB`,
      problems: [
        ...above("loop lag, p99", lagMs, LAG_MS_MAX, "ms"),
        ...above("memory", rssMbAfter, rssBeforeMb * RSS_FACTOR_MAX + RSS_SPARE_MB, "MB"),
        ...(await checkInvariants(stage)),
      ],
    };
  },
};

/** Times of a small request that others would make too, while `also` happens. */
async function probe(url: string, durationMs: number, also: () => void): Promise<number[]> {
  const times: number[] = [];
  for (const endMs = performance.now() + durationMs; performance.now() < endMs; ) {
    also();
    const startedAtMs = performance.now();
    await (await fetch(`${url}/healthz`)).text();
    times.push(performance.now() - startedAtMs);
    await sleep(PROBE_EVERY_MS);
  }
  return times;
}

async function attack(
  stage: Stage,
  url: string,
  people: readonly number[],
  turn: number,
): Promise<void> {
  const person = people[turn % people.length] ?? 0;
  const texts = ["a".repeat(4_000), "{".repeat(3_000), "的".repeat(4_000), " ".repeat(3_999)];
  stage.telegram.user(person).writes(texts[turn % texts.length] ?? "");
  const deep = `${"[".repeat(DEEP * 100)}${"]".repeat(DEEP * 100)}`;
  for (const body of [Buffer.alloc(10_000_000, 97), deep, "\u0000".repeat(100_000)]) {
    await fetch(`${url}/api/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    }).then(
      (response) => response.arrayBuffer(),
      () => {},
    );
  }
}

/** As the program measures it itself, since it was asked last. */
async function loopLagMs(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(text)?.[1] ?? 0) * 1000;
}

/** Sends the first bytes of a request and then no more. */
function openSlowly(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  void once(socket, "connect").then(
    () => socket.write("POST /api/messages HTTP/1.1\r\nHost: x\r\nX-"),
    () => {},
  );
  return socket;
}

async function rssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
