/**
 * Redis keeps databases by number: a test file has one of its own, so that files may run at the
 * same time. Number 0 is left to tests of the whole program.
 */
const DATABASES = [
  "queue contract",
  "queue workers",
  "queue crash",
  "queue outage",
  "feed",
] as const;

/** The database of a test file on the Redis of `REDIS_URL`; `null` when there is none. */
export function redisUrlOf(owner: (typeof DATABASES)[number]): string | null {
  const given = process.env.REDIS_URL;
  if (given === undefined || given === "") return null;
  const url = new URL(given);
  url.pathname = `/${DATABASES.indexOf(owner) + 1}`;
  return url.href;
}
