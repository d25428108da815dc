/**
 * Redis keeps databases by number: a test file has one of its own, so that files may run at the
 * same time. Number 0 is nobody's.
 */
const DATABASES = [
  "queue contract",
  "queue workers",
  "queue crash",
  "queue outage",
  "feed",
  "program on Telegram",
  "program in a crash",
  "program in the browser",
  "program on Discord",
  "program with two platforms",
  "program on WeChat",
  "program on a service account",
  "program on WeCom",
] as const;

/** The database of a test file on the Redis of `REDIS_URL`; `null` when there is none. */
export function redisUrlOf(owner: (typeof DATABASES)[number]): string | null {
  const given = process.env.REDIS_URL;
  if (given === undefined || given === "") return null;
  const url = new URL(given);
  url.pathname = `/${DATABASES.indexOf(owner) + 1}`;
  return url.href;
}

/** The environment by which a program of that test file uses it; empty when there is none. */
export function redisEnvironment(owner: (typeof DATABASES)[number]): Record<string, string> {
  const url = redisUrlOf(owner);
  return url === null ? {} : { REDIS_URL: url };
}
