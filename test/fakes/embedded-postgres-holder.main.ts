// Starts the embedded PostgreSQL on the folder it is given, says how to reach it in one line, then
// waits to be ended: SIGTERM stops the server, SIGKILL leaves it behind, SIGUSR2 forgets to stop it.
import { EmbeddedPostgres } from "../../src/store/embedded-postgres.ts";

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error("usage: embedded-postgres-holder.main.ts DATA_DIR");

try {
  const database = await EmbeddedPostgres.start({ dataDir });
  const isIdle = setInterval(() => {}, 60_000);
  process.once("SIGTERM", async () => {
    clearInterval(isIdle);
    await database.stop();
  });
  process.once("SIGUSR2", () => clearInterval(isIdle));
  console.log(JSON.stringify({ url: database.url }));
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  process.exitCode = 1;
}
