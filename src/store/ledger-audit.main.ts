import { findDatabaseUrl } from "./find-database-url.ts";
import { auditLedger } from "./ledger-audit.ts";
import { createPgPool } from "./pg-pool.ts";

// A variable left blank is unset.
const databaseUrl = process.env.DATABASE_URL || null;
const dataDir = process.env.DATA_DIR || "./data";

await using database = await findDatabaseUrl({ databaseUrl, dataDir });
const pool = createPgPool(database.url, { max: 1, applicationName: "dianka ledger audit" });
try {
  const faults = await auditLedger(pool);
  for (const { rule, account, difference } of faults) {
    console.log(`fault: ${account} differs by ${difference}: ${rule}`);
  }
  const { rows } = await pool.query<{ lots: bigint; holds: bigint; entries: bigint }>(
    `SELECT (SELECT count(*) FROM lot) AS lots, (SELECT count(*) FROM hold) AS holds,
       (SELECT count(*) FROM entry) AS entries`,
  );
  const [size] = rows;
  console.log(
    `ledger audit: ${faults.length} faults in ${size?.entries} entries, ${size?.lots} lots and ${size?.holds} holds`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (error) {
  console.error(
    `ledger audit: could not be done: ${error instanceof Error ? error.message : error}`,
  );
  process.exitCode = 2;
} finally {
  await pool.end();
}
