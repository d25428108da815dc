import { capabilityTable } from "./capability-table.ts";

// Prints the table of docs/operating.md, between its markers "capabilities":
//   npm run --silent docs:capabilities

console.log(capabilityTable());
