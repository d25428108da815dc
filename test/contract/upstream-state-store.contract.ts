import { beforeEach, describe, expect, it } from "vitest";
import type { UpstreamStateStore } from "../../src/core/upstream/upstream-state-store.ts";

/** What any store of the states of upstream keys must do. */
export function upstreamStateStoreContract(
  name: string,
  createStore: () => Promise<UpstreamStateStore>,
): void {
  describe(`${name} keeps the upstream state store contract`, () => {
    let store: UpstreamStateStore;
    beforeEach(async () => {
      store = await createStore();
    });
    const stateOf = async (key: string) => {
      return (await store.readAll()).find((state) => state.name === key);
    };

    it("knows nothing at first", async () => {
      expect(await store.readAll()).toEqual([]);
    });

    it("tells one of several workers that it was the one to find the key dead", async () => {
      const finds = await Promise.all(
        Array.from({ length: 8 }, () => store.markDead("main#1", "invalid_api_key")),
      );
      expect(finds.filter((isNews) => isNews)).toHaveLength(1);
      expect(await stateOf("main#1")).toMatchObject({ status: "dead", reason: "invalid_api_key" });
    });

    it("tells it again after the key has worked in between", async () => {
      expect(await store.markDead("main#1", "invalid_api_key")).toBe(true);
      await store.markReady("main#1");
      expect(await stateOf("main#1")).toMatchObject({ status: "ready", reason: null });
      expect(await store.markDead("main#1", "insufficient_quota")).toBe(true);
      expect(await stateOf("main#1")).toMatchObject({ reason: "insufficient_quota" });
    });

    it("leaves a disabled key disabled, whatever workers find", async () => {
      await store.setDisabled("main#1", true);
      expect(await store.markDead("main#1", "invalid_api_key")).toBe(false);
      await store.markReady("main#1");
      expect(await stateOf("main#1")).toMatchObject({ status: "disabled", reason: null });
    });

    it("makes a dead key ready when an operator enables it", async () => {
      await store.markDead("main#1", "invalid_api_key");
      await store.setDisabled("main#1", true);
      expect(await stateOf("main#1")).toMatchObject({ status: "disabled", reason: null });
      await store.setDisabled("main#1", false);
      expect(await stateOf("main#1")).toMatchObject({ status: "ready" });
    });

    it("does not make up a key that was never seen", async () => {
      await store.markReady("main#1");
      expect(await store.readAll()).toEqual([]);
    });

    it("moves times of use forward only, and keeps what is not told", async () => {
      const early = new Date("2026-01-01T00:00:00.123Z");
      const late = new Date("2026-01-01T00:05:00Z");
      await store.recordUse("main#1", late, null);
      await store.recordUse("main#1", early, early);
      await store.recordUse("main#1", null, null);
      expect(await stateOf("main#1")).toEqual({
        name: "main#1",
        status: "ready",
        reason: null,
        lastOkAt: late,
        lastErrorAt: early,
      });
    });

    it("keeps the state of a key while its use is recorded", async () => {
      await store.markDead("main#1", "invalid_api_key");
      await store.recordUse("main#1", null, new Date());
      expect(await stateOf("main#1")).toMatchObject({ status: "dead", reason: "invalid_api_key" });
    });
  });
}
