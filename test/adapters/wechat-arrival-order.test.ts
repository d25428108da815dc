import { describe, expect, it } from "vitest";
import { ArrivalOrder } from "../../src/adapters/wechat/arrival-order.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const order = new ArrivalOrder(clock);
  const heard: string[] = [];
  const ready = async (id: string) => {
    await order.turn(id);
    heard.push(id);
  };
  return { clock, order, heard, ready };
}

describe("ArrivalOrder", () => {
  it("lets messages go on as the puppet named them, whichever is ready first", async () => {
    const { clock, order, heard, ready } = setUp();
    for (const id of ["1", "2", "3"]) order.note(id);
    void ready("3");
    void ready("2");
    await clock.settle();
    expect(heard).toEqual([]);
    void ready("1");
    await clock.settle();
    expect(heard).toEqual(["1", "2", "3"]);
    expect(clock.sleepers).toBe(0);
  });

  it("waits 15 seconds for one that is never ready, and not for one that comes later", async () => {
    const { clock, order, heard, ready } = setUp();
    order.note("lost");
    order.note("2");
    void ready("2");
    await clock.advance(14_999);
    expect(heard).toEqual([]);
    await clock.advance(1);
    expect(heard).toEqual(["2"]);
    order.note("3");
    void ready("lost");
    void ready("3");
    await clock.settle();
    expect(heard).toEqual(["2", "lost", "3"]);
  });

  it("takes one the puppet did not name, and one it names twice", async () => {
    const { clock, order, heard, ready } = setUp();
    void ready("unknown");
    for (const id of ["1", "1", "2"]) order.note(id);
    for (const id of ["2", "1", "1"]) void ready(id);
    await clock.settle();
    expect(heard).toEqual(["unknown", "1", "1", "2"]);
  });
});
