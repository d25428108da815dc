import { parsePrice } from "../core/billing/amount.ts";
import { DEFAULT_MODELS } from "../core/billing/default-models.ts";
import type { ModelPrice } from "../core/billing/price-list.ts";
import type { Model } from "../core/upstream/model-catalog.ts";
import type { ConfigFile, ModelEntry, UpstreamEntry } from "./config-file.ts";
import { UpstreamEntry as UpstreamSchema } from "./config-file.ts";
import type { Env } from "./env.ts";

const OPENAI_URL = "https://api.openai.com/v1";
const OPENAI_MODEL = "gpt-5-mini";
/** What a local server such as Ollama is given, which asks for a key and takes any. */
const NO_KEY = "none";
const DEMO_MODEL = "demo";
const UNKNOWN_CONTEXT_TOKENS = 128_000;
const UNKNOWN_OUTPUT_TOKENS = 4_096;

/** One endpoint with its keys, secrets filled in ("sealed:…" ones still sealed). */
export type UpstreamConfig = UpstreamEntry;

/**
 * The upstreams and the models on sale: `models` of the file and the `OPENAI_*` variables merged by
 * model name. The file gives limits and prices, the variables the key. Adds to `faults`.
 */
export function createOffer(
  env: Env,
  file: ConfigFile,
  environment: Readonly<Record<string, string | undefined>>,
  faults: string[],
): { upstreams: UpstreamConfig[]; models: Model[] } {
  const upstreams = file.upstreams.map((entry, index) => ({
    ...entry,
    keys: entry.keys.flatMap((key, position) =>
      readKeys(key, environment, `upstreams.${index}.keys.${position}`, faults),
    ),
  }));
  const names = new Set(upstreams.map(({ name }) => name));
  if (names.size < upstreams.length) faults.push("upstreams: two have the same name");
  const fromEnv = upstreamFromEnv(env, upstreams);
  if (fromEnv !== null) upstreams.push(fromEnv);
  const served = upstreams.length === 0 ? [DEMO_MODEL] : upstreams.flatMap(modelNames);
  const wanted = [...(env.OPENAI_MODEL ?? []), ...file.models.map(({ name }) => name), ...served];
  const known = new Set(served);
  for (const [index, { name }] of file.models.entries()) {
    if (upstreams.length > 0 && !known.has(name)) {
      faults.push(`models.${index}.name: no upstream serves "${name}"`);
    }
  }
  const models = [...new Set(wanted)]
    .filter((name) => known.has(name))
    .map((name) =>
      createModel(
        name,
        file.models.find((entry) => entry.name === name),
        env,
      ),
    );
  return { upstreams, models };
}

function upstreamFromEnv(env: Env, others: readonly UpstreamConfig[]): UpstreamConfig | null {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL: names } = env;
  if (OPENAI_API_KEY === undefined && OPENAI_BASE_URL === undefined) return null;
  // The file names an upstream that takes its keys from this variable: that one is meant.
  if (OPENAI_BASE_URL === undefined && names === undefined && others.length > 0) return null;
  const served = names ?? [OPENAI_MODEL];
  return UpstreamSchema.parse({
    name: others.some(({ name }) => name === "openai") ? "openai-env" : "openai",
    baseUrl: OPENAI_BASE_URL ?? OPENAI_URL,
    keys: OPENAI_API_KEY ?? [NO_KEY],
    models: Object.fromEntries(served.map((name) => [name, name])),
  });
}

function readKeys(
  key: string,
  environment: Readonly<Record<string, string | undefined>>,
  path: string,
  faults: string[],
): string[] {
  if (!key.startsWith("env:")) return [key];
  const name = key.slice("env:".length);
  const keys = (environment[name] ?? "").split(",").map((part) => part.trim());
  const given = keys.filter((part) => part !== "");
  if (given.length === 0) faults.push(`${path}: the variable ${name} is not set`);
  return given;
}

function modelNames(upstream: UpstreamConfig): string[] {
  return Object.keys(upstream.models);
}

function createModel(name: string, entry: ModelEntry | undefined, env: Env): Model {
  const listed = DEFAULT_MODELS.find((model) => model.name === name);
  const [envInput = "0", envOutput = "0"] = env.OPENAI_PRICE.split("/");
  const input = entry?.input ?? parsePrice(listed?.input ?? envInput);
  const price: ModelPrice = {
    input,
    cachedInput:
      entry?.cachedInput ??
      (entry?.input === undefined && listed !== undefined ? parsePrice(listed.cachedInput) : input),
    output: entry?.output ?? parsePrice(listed?.output ?? envOutput),
    messageCost: entry?.messageCost === null ? null : BigInt(entry?.messageCost ?? 1),
  };
  const contextTokens = entry?.contextTokens ?? listed?.contextTokens ?? UNKNOWN_CONTEXT_TOKENS;
  const outputTokensMax =
    entry?.outputTokensMax ?? listed?.outputTokensMax ?? UNKNOWN_OUTPUT_TOKENS;
  return {
    name,
    price,
    cost: costOf(entry, listed, price, name),
    contextTokens,
    outputTokensMax: Math.min(outputTokensMax, Math.floor(contextTokens / 2)),
    images: entry?.images ?? listed?.images ?? false,
  };
}

/** What the operator pays: as the file says, else the maker's list price, else no better guess. */
function costOf(
  entry: ModelEntry | undefined,
  listed: (typeof DEFAULT_MODELS)[number] | undefined,
  price: ModelPrice,
  name: string,
): ModelPrice {
  if (name === DEMO_MODEL) return { input: 0n, cachedInput: 0n, output: 0n, messageCost: null };
  if (entry?.cost !== undefined) {
    const { input, cachedInput, output } = entry.cost;
    return { input, cachedInput: cachedInput ?? input, output, messageCost: null };
  }
  if (listed === undefined) return price;
  return {
    input: parsePrice(listed.input),
    cachedInput: parsePrice(listed.cachedInput),
    output: parsePrice(listed.output),
    messageCost: null,
  };
}
