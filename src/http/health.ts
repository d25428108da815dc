/**
 * How one part is: "waiting for login" counts as up, because only a person can help; "down: …"
 * says why.
 */
export type PartStatus = "up" | "starting" | "waiting for login" | `down: ${string}`;

export interface Health {
  /** Every part is up or waits for a person. */
  readonly ready: boolean;
  /** By name: "database", "queue", "telegram". */
  readonly parts: Readonly<Record<string, PartStatus>>;
}

/** Looks at all parts, quickly: whoever asks does so every few seconds. */
export type Readiness = () => Promise<Health>;

/** The answer to `/readyz`: 200, or 503 that names what is not up. */
export async function readinessResponse(readiness: Readiness): Promise<Response> {
  const health = await readiness();
  const notUp = Object.entries(health.parts)
    .filter(([, status]) => status !== "up")
    .map(([name]) => name);
  return Response.json(
    { ready: health.ready, notUp, parts: health.parts },
    { status: health.ready ? 200 : 503, headers: { "cache-control": "no-store" } },
  );
}
