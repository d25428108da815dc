import { createServer, type Server } from "node:net";
import { describe, expect, it } from "vitest";
import type { Logger } from "../../src/core/log.ts";
import { waitForDatabase } from "../../src/store/wait-for-database.ts";
import { emptyDatabase } from "../fakes/test-database.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** Takes connections and closes them at once, as a database does that is not ready. */
async function listen(
  onConnection: () => void,
  port = 0,
): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    onConnection();
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, port: address.port };
}

describe("waitForDatabase", () => {
  it("goes on at once when the database is there", async () => {
    await using database = await emptyDatabase();
    await waitForDatabase(database.url, silent, 0);
  });

  it("tries again until its time is up, then says which database it is without its password", async () => {
    let connections = 0;
    const { server, port } = await listen(() => {
      connections += 1;
    });
    const waiting = waitForDatabase(
      `postgresql://someone:hush@127.0.0.1:${port}/shop`,
      silent,
      1_200,
    );
    await expect(waiting).rejects.toThrow(
      `The database at 127.0.0.1:${port}/shop cannot be used (Connection terminated unexpectedly): start it or correct DATABASE_URL.`,
    );
    expect(connections).toBe(3);
    await new Promise((resolve) => server.close(resolve));
  });

  it("gives up at once on a wrong password and on a database that does not exist", async () => {
    await using database = await emptyDatabase();
    const wrongPassword = new URL(database.url);
    wrongPassword.password = "wrong";
    await expect(waitForDatabase(wrongPassword.href, silent)).rejects.toThrow(
      "password authentication failed",
    );
    const wrongName = new URL(database.url);
    wrongName.pathname = "/nowhere";
    await expect(waitForDatabase(wrongName.href, silent)).rejects.toThrow(
      'database "nowhere" does not exist',
    );
  });
});
