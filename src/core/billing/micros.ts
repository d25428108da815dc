/** Money as whole millionths of one unit of the ledger currency. Never a float. */
export type Micros = bigint & { readonly __unit: "micros" };

export const micros = (value: bigint): Micros => value as Micros;

export const MICROS_PER_UNIT = 1_000_000n;
