import type { PriceOverrides } from "../upstream/model-catalog.ts";

/** Keeps switches that outlive a process. */
export interface SettingStore {
  read(key: string): Promise<unknown>;
  write(key: string, value: unknown): Promise<void>;
  /** Sets entries of an object, in one step: those that others set meanwhile stay. */
  merge(key: string, entries: Readonly<Record<string, unknown>>): Promise<void>;
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
  #readings = 0;
  #lastReading = 0;

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
    this.#readings += 1;
    const reading = this.#readings;
    const drain = await this.#store.read("drain");
    const prices = ((await this.#store.read("prices")) ?? {}) as Record<string, StoredPrice>;
    // One that began earlier and took longer knows less.
    if (reading < this.#lastReading) return;
    this.#lastReading = reading;
    this.#isDraining = drain === true;
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
    const price: StoredPrice = { input: String(input), output: String(output) };
    await this.#store.merge("prices", { [model]: price });
    await this.refresh();
  }
}
