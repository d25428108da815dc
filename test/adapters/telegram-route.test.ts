import { describe, expect, it } from "vitest";
import { routeUpdate } from "../../src/adapters/telegram/telegram-route.ts";
import { fixture } from "../fakes/telegram/fixture.ts";

describe("routeUpdate", () => {
  const route = (name: string) => routeUpdate(fixture(name));

  it("puts the messages of one chat into one lane", () => {
    expect(route("private-text")).toEqual({
      lane: "512034501:",
      person: "512034501",
      overtakes: "nothing",
      batch: null,
    });
    expect(route("private-edited").lane).toBe(route("private-text").lane);
  });

  it("gives every topic its own lane", () => {
    expect(route("private-topic").lane).toBe("512034501:77");
  });

  it.each([
    ["private-command", "questions"],
    ["group-command", "questions"],
    ["button-stop", "everything"],
    ["bot-blocked", "everything"],
  ])("lets %s overtake %s", (name, overtaken) => {
    expect(route(name).overtakes).toBe(overtaken);
  });

  it("keeps the pictures of an album together", () => {
    expect(route("private-album-1").batch).toBe("13790912345678901");
    expect(route("private-album-1")).toEqual(route("private-album-2"));
  });

  it("never throws", () => {
    expect(routeUpdate({ message: 7 })).toMatchObject({ batch: null });
    expect(routeUpdate(null)).toMatchObject({ batch: null });
  });
});
