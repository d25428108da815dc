/**
 * How long a start takes and what the idle program weighs: `node bench/start.ts`, two minutes.
 *
 * The program is started as `npm start` does it, with Telegram (a fake one on loopback) and the web chat
 * on, and its database already made: each start is a second one. In turns with it, a bare HTTP server of
 * four lines is started by the same node. Ready is when it says so; the memory is that of the process
 * (the embedded PostgreSQL is another one), four seconds later.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedPostgres } from "../src/store/embedded-postgres.ts";
import { readStartCommand } from "../test/fakes/start-command.ts";
import { TelegramServer } from "../test/fakes/telegram-server.ts";
import { type Launch, measureStart, type Start } from "./start/started-process.ts";

const ROUNDS = 5;
const AIMS = { externalMs: 1500, embeddedMs: 5000, rssMb: 150 };
const BARE = `
  const server = require("node:http").createServer((_, response) => response.end("ok"));
  server.listen(0, "127.0.0.1", () => console.log("ready"));
  process.once("SIGTERM", () => server.close());
`;

const benchStartedAtMs = performance.now();
console.log(
  `Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}, load ${loadavg()[0]?.toFixed(1)}`,
);
const folder = await mkdtemp(join(tmpdir(), "dianka-bench-"));
const postgres = await EmbeddedPostgres.start({ dataDir: join(folder, "external") });
const telegram = await TelegramServer.start();
try {
  const command = readStartCommand();
  const program = (env: Readonly<Record<string, string>>): Launch => ({
    args: command.args,
    cwd: folder,
    readyText: "Dianka is ready",
    env: {
      ...command.env,
      PORT: "0",
      DATA_DIR: join(folder, "own"),
      SECRET_KEY: "only-for-this-benchmark",
      TELEGRAM_BOT_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: telegram.url,
      ...env,
    },
  });
  const launches = {
    "bare HTTP server": { args: ["-e", BARE], cwd: folder, readyText: "ready", env: {} },
    "external PostgreSQL": program({ DATABASE_URL: postgres.url }),
    "embedded PostgreSQL": program({}),
  } as const satisfies Record<string, Launch>;
  report(await measure(launches));
} finally {
  await telegram.stop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}

type Starts<Name extends string> = Readonly<Record<Name, readonly Start[]>>;

/** In turns; the first start of each makes what the second one finds, and is not counted. */
async function measure<Name extends string>(
  launches: Readonly<Record<Name, Launch>>,
): Promise<Starts<Name>> {
  const names = Object.keys(launches) as Name[];
  const starts = new Map<Name, Start[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const name of names) {
      const start = await measureStart(launches[name]);
      if (round > 0) starts.get(name)?.push(start);
    }
  }
  return Object.fromEntries(starts) as unknown as Starts<Name>;
}

function report(
  starts: Starts<"bare HTTP server" | "external PostgreSQL" | "embedded PostgreSQL">,
): void {
  const bare = starts["bare HTTP server"];
  const rows = Object.entries(starts).map(([name, all]) => {
    const ratioOf = (key: keyof Start) =>
      medianOf(all.map((start, round) => start[key] / (bare[round]?.[key] ?? Number.NaN)));
    const medianBy = (key: keyof Start) => medianOf(all.map((start) => start[key]));
    return {
      name,
      readyMs: medianBy("readyMs"),
      readyRatio: ratioOf("readyMs"),
      rssMb: medianBy("rssMb"),
      rssRatio: ratioOf("rssMb"),
    };
  });
  console.table(
    Object.fromEntries(
      rows.map(({ name, readyMs, readyRatio, rssMb, rssRatio }) => [
        name,
        {
          "ready ms": rounded(readyMs),
          "÷ bare": rounded(readyRatio),
          "idle RSS MB": rounded(rssMb),
          "÷ bare RSS": rounded(rssRatio),
        },
      ]),
    ),
  );
  const [, external, embedded] = rows;
  if (external === undefined || embedded === undefined) throw new Error("a row is missing");
  const rssMb = Math.max(external.rssMb, embedded.rssMb);
  const seconds = ((performance.now() - benchStartedAtMs) / 1000).toFixed(0);
  console.log(
    `start: external ${rounded(external.readyMs)} ms = ${rounded(external.readyRatio)} × bare (aim ${AIMS.externalMs}, ${met(external.readyMs <= AIMS.externalMs)}); ` +
      `embedded ${rounded(embedded.readyMs)} ms = ${rounded(embedded.readyRatio)} × bare (aim ${AIMS.embeddedMs}, ${met(embedded.readyMs <= AIMS.embeddedMs)}); ` +
      `idle ${rounded(rssMb)} MB = ${rounded(Math.max(external.rssRatio, embedded.rssRatio))} × bare (aim ${AIMS.rssMb}, ${met(rssMb <= AIMS.rssMb)}); ` +
      `load average ${loadavg()[0]?.toFixed(1)}; ${seconds} s`,
  );
}

function met(isMet: boolean): string {
  return isMet ? "met" : "SHORT";
}

function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function rounded(number: number): number {
  return Number(number.toPrecision(3));
}
