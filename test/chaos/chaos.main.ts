import { parseArgs } from "node:util";
import { FAULTS } from "./faults/fault-list.ts";
import { runFaults } from "./run-faults.ts";

// Breaks the whole system on purpose and looks whether it holds:
//   npm run chaos                              every fault, the short dose, on both queues
//   npm run chaos -- --long                    the whole dose
//   npm run chaos -- --only F4,F9 --seed 7     two of them, with the numbers of an earlier run
//   npm run chaos -- --backend redis           on one queue only
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    only: { type: "string" },
    backend: { type: "string" },
    short: { type: "boolean" },
    long: { type: "boolean" },
  },
});

const only = values.only?.split(",").map((id) => id.trim().toUpperCase());
const unknown = only?.filter((id) => !FAULTS.some((fault) => fault.id === id)) ?? [];
const { backend } = values;
if (unknown.length > 0 || (backend !== undefined && !/^(postgres|redis)$/.test(backend))) {
  console.error(`There is no ${unknown.join(", ") || `backend ${backend}`}.`);
  process.exit(2);
}
const isOk = await runFaults({
  faults: FAULTS.filter(({ id }) => only?.includes(id) ?? true),
  seed: Number(values.seed ?? Math.floor(Math.random() * 1_000_000)),
  dose: values.long === true ? "long" : "short",
  backends: backend === undefined ? ["postgres", "redis"] : [backend as "postgres" | "redis"],
});
process.exitCode = isOk ? 0 : 1;
