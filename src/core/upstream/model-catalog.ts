import type { ModelPrice } from "../billing/price-list.ts";
import { UserError } from "../errors.ts";

/** What a customer picks: a name with prices and limits. */
export interface Model {
  readonly name: string;
  readonly price: ModelPrice;
  /** What it costs the operator, for the margin in /stats. */
  readonly cost: ModelPrice;
  readonly contextTokens: number;
  readonly outputTokensMax: number;
  /** It can look at pictures. */
  readonly images: boolean;
}

/** Prices changed at run time, by model name. */
export type PriceOverrides = ReadonlyMap<
  string,
  { readonly input: bigint; readonly output: bigint }
>;

/** The models on sale. The first one is the default. */
export class ModelCatalog {
  readonly #models: readonly Model[];
  readonly #overrides: () => PriceOverrides;

  constructor(models: readonly Model[], overrides: () => PriceOverrides) {
    this.#models = models;
    this.#overrides = overrides;
  }

  list(): Model[] {
    return this.#models.map((model) => this.#priced(model));
  }

  /** The model of that name, or the default when `name` is null or no longer sold. */
  choose(name: string | null): Model {
    const models = this.list();
    const chosen = models.find((model) => model.name === name) ?? models[0];
    if (chosen === undefined) throw new UserError("model_not_available");
    return chosen;
  }

  find(name: string): Model | null {
    const wanted = name.trim().toLowerCase();
    return this.list().find((model) => model.name.toLowerCase() === wanted) ?? null;
  }

  #priced(model: Model): Model {
    const override = this.#overrides().get(model.name);
    if (override === undefined) return model;
    // A cached token keeps its share of the price of a fresh one.
    const cachedInput =
      model.price.input === 0n
        ? 0n
        : (override.input * model.price.cachedInput) / model.price.input;
    return { ...model, price: { ...model.price, ...override, cachedInput } };
  }
}
