import type { PriceOverrides } from "../upstream/model-catalog.ts";

/** Keeps switches that outlive a process. */
export interface SettingStore {
  read(key: string): Promise<unknown>;
  write(key: string, value: unknown): Promise<void>;
}

interface StoredPrice {
  readonly input: string;
  readonly output: string;
}

/**
 * Switches set by commands while the program runs. Every process reads them anew every few
 * seconds (`refresh`), and at once after its own change.
 */
export class RuntimeSettings {
  readonly #store: SettingStore;
  #prices: PriceOverrides = new Map();
  #isDraining = false;

  constructor(store: SettingStore) {
    this.#store = store;
  }

  /** No new questions are taken. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  get prices(): PriceOverrides {
    return this.#prices;
  }

  async refresh(): Promise<void> {
    this.#isDraining = (await this.#store.read("drain")) === true;
    const prices = ((await this.#store.read("prices")) ?? {}) as Record<string, StoredPrice>;
    this.#prices = new Map(
      Object.entries(prices).map(([model, price]) => [
        model,
        { input: BigInt(price.input), output: BigInt(price.output) },
      ]),
    );
  }

  async setDraining(isDraining: boolean): Promise<void> {
    await this.#store.write("drain", isDraining);
    await this.refresh();
  }

  async setPrice(model: string, input: bigint, output: bigint): Promise<void> {
    await this.refresh();
    const prices = new Map(this.#prices).set(model, { input, output });
    const stored = [...prices].map(([name, price]) => [
      name,
      { input: String(price.input), output: String(price.output) },
    ]);
    await this.#store.write("prices", Object.fromEntries(stored));
    await this.refresh();
  }
}
