import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChatAddress } from "../../src/core/chat/chat-address.ts";
import type { IncomingMessage } from "../../src/core/chat/incoming-message.ts";
import { OutsideError } from "../../src/core/errors.ts";
import { textsFor } from "../../src/core/texts/locales.ts";
import type { ChatWorld, WorldPerson } from "./adapters/chat-world.ts";
import { ContractProgram } from "./adapters/contract-program.ts";
import { hasBalancedFences, lettersOf, longAnswer } from "./adapters/long-answer.ts";

const LONG = 20_000;
const RESTARTED = 6_000;
const FLOOD = 2;
const OPENING = "w00001 is the first word, ";
const ENDING = "and w00002 is the last one.";
const TEST_MS = 60_000;

/** A step of the model that lasts until the test says so. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { until: promise, open: resolve };
}

/**
 * What every chat adapter has to do together with the core, whatever its platform: through its
 * real client library, against the strict fake of the platform. What a platform cannot do by its
 * capabilities is left out by those, never by its name.
 */
export function describeChatAdapter(name: string, openWorld: () => Promise<ChatWorld>): void {
  describe(`the chat adapter of ${name}`, { timeout: TEST_MS }, () => {
    let program: ContractProgram;
    let person: WorldPerson;

    beforeAll(async () => {
      program = await ContractProgram.start(openWorld);
    }, TEST_MS);
    afterAll(async () => {
      await program?.[Symbol.asyncDispose]();
    }, TEST_MS);

    const meet = async () => {
      person = await program.world.newPerson();
      return { person, ...program.adapter.capabilities };
    };
    /** By what the core can tell apart where it is to drop repetitions itself. */
    const heardTexts = () => {
      const heard = program.heard.filter(({ address }) => address.channel === person.channel);
      const isFirst = ({ id }: IncomingMessage, index: number) =>
        heard.findIndex((message) => message.id === id) === index;
      return heard.filter(program.world.repeats ? isFirst : () => true).map(({ text }) => text);
    };
    const addressOf = ({ channel }: WorldPerson): ChatAddress => {
      const { platform, bot } = program.adapter;
      return { platform, bot, channel, thread: null };
    };
    const textsOfReply = async () => {
      const [reply] = await program.repliesTo(person);
      return textsFor(reply?.locale ?? "");
    };
    const seenText = async () => (await person.seen()).join("\n");

    it("hears a message once, also when the platform brings it twice", async () => {
      await meet();
      const question = `once, ${name}?`;
      const told = await person.writes(question);
      await told.again();
      await program.readAll(person);
      await told.again();
      await person.writes("and something else?");
      expect(lettersOf((await program.readAll(person, 2)).join("\n"))).toBe(
        lettersOf(`Answer to ${question} Answer to and something else?`),
      );
      expect(heardTexts()).toEqual([question, "and something else?"]);
    });

    it("hears messages that come at once, and a late repetition, each once and in order", async () => {
      await meet();
      const first = await person.writes("first?");
      await person.writes("second?");
      await first.again();
      await person.writes("third?");
      const answers = (await program.readAll(person, 3)).map(lettersOf);
      const inOrder = (texts: string[]) => (program.world.keepsOrder ? texts : texts.toSorted());
      const texts = ["first?", "second?", "third?"];
      expect(inOrder(heardTexts())).toEqual(texts);
      expect(inOrder(answers)).toEqual(texts.map((text) => lettersOf(`Answer to ${text}`)));
    });

    it("brings a command to the core, in words where there is no menu of commands", async () => {
      const { plainCommands } = await meet();
      const asked = program.model.calls.length;
      const answerTo = async (command: () => Promise<unknown>) => {
        const before = (await person.seen()).length;
        await command();
        await program.until(async () => (await person.seen()).length > before);
        return (await person.seen()).at(-1) ?? "";
      };
      const answer = await answerTo(() => person.commands("/balance"));
      expect(answer).toMatch(/1000/);
      if (plainCommands) expect(await answerTo(() => person.writes("余额"))).toBe(answer);
      expect(program.model.calls).toHaveLength(asked);
    });

    it("shows a long answer whole and in order, in messages the platform takes", async () => {
      await meet();
      const answer = longAnswer(LONG);
      program.model.answers("something long", [answer]);
      await person.writes("something long");
      const pieces = await program.readAll(person);
      const { characters, bytes } = program.world.pieceMax;
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(characters);
        expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(bytes);
        expect(piece.isWellFormed()).toBe(true);
        expect(hasBalancedFences(piece), piece).toBe(true);
      }
      expect(lettersOf(pieces.join("\n"))).toBe(lettersOf(answer));
    });

    it("stops an answer in the middle: what came stays, and says that it was stopped", async () => {
      const { edit, buttons, plainCommands } = await meet();
      const hold = gate();
      program.model.answers("stop this", [OPENING, hold.until, ENDING]);
      await person.writes("stop this");
      await program.until(() => program.model.questions.includes("stop this"));
      if (edit !== null) await program.until(async () => /w00001/.test(await seenText()));
      if (buttons) await person.pressesStop();
      else if (plainCommands) await person.writes("停止");
      else await person.commands("/stop");
      const answers = await program.readAll(person);
      hold.open();
      const { stoppedAnswer } = await textsOfReply();
      const shown = answers.filter((text) => text.includes("w00001"));
      expect(shown.map(lettersOf)).toEqual([lettersOf(OPENING + stoppedAnswer)]);
      expect(answers.join("\n")).not.toContain("w00002");
      expect(program.model.calls.at(-1)?.isAborted).toBe(true);
    });

    it("says in the person's language that there is no answer, and shows nothing else", async () => {
      await meet();
      program.model.answers("refuse", [new OutsideError("script", "rejected")]);
      await person.writes("refuse");
      const seen = await program.readAll(person);
      const { failures } = await textsOfReply();
      expect(seen.map(lettersOf)).toEqual([lettersOf(failures.upstream_rejected)]);
    });

    it("keeps what came of an answer that breaks off, and says so", async () => {
      await meet();
      program.model.answers("break off", [OPENING, new OutsideError("script", "cut")]);
      await person.writes("break off");
      const seen = await program.readAll(person);
      const { cutAnswer, failures } = await textsOfReply();
      expect(seen).toHaveLength(1);
      const notes = [cutAnswer, failures.upstream_cut].map((note) => lettersOf(OPENING + note));
      expect(notes).toContain(lettersOf(seen.join()));
    });

    it("finishes after a restart what was begun, in its messages where it can edit them", async () => {
      const { edit } = await meet();
      const answer = longAnswer(RESTARTED);
      const hold = gate();
      const half = edit === null ? "" : OPENING;
      program.model.answers("restart", [...(edit === null ? [] : [half, hold.until]), answer]);
      await person.writes("restart");
      await program.until(async () => /w00001/.test(await seenText()));
      await program.until(async () => (await program.repliesTo(person))[0]?.isShown === true);
      const begun = await person.seen();
      await program.restart();
      hold.open();
      const pieces = await program.readAll(person);
      expect(lettersOf(pieces.join("\n"))).toBe(lettersOf(half + answer));
      if (edit === null) expect(pieces[0]).toContain(begun[0]?.slice(0, 100));
      else expect(pieces[0]).toContain(OPENING.trim());
    });

    it("gives up a chat that was closed to it, where that is ever told", async (test) => {
      await meet();
      const { blockedAs } = program.world;
      if (blockedAs === null) return test.skip("nobody is told there");
      const hold = gate();
      program.model.answers("and bye", [hold.until, "Nobody reads this."]);
      await person.writes("and bye");
      await program.until(() => program.model.questions.includes("and bye"));
      await person.blocks();
      hold.open();
      await program.until(async () => {
        const [reply] = await program.repliesTo(person);
        return reply?.isEnded === true && (reply.isDelivered || reply.isParked);
      });
      const tried = program.world.sends();
      const text = { text: "hello?", format: "plain", buttons: [], replyTo: null } as const;
      await expect(program.adapter.send(addressOf(person), text)).rejects.toMatchObject({
        kind: blockedAs,
        retryable: false,
      });
      expect(program.world.sends() - tried).toBeLessThanOrEqual(1);
      expect(program.queue.givenUp).toEqual([]);
    });

    it("loses nothing when the platform refuses sends for speed, if it ever does", async (test) => {
      await meet();
      const { flood } = program.world;
      if (flood === null) return test.skip("nobody is refused for speed there");
      const answer = longAnswer(RESTARTED);
      const hold = gate();
      program.model.answers("flood", [hold.until, answer]);
      await person.writes("flood");
      await program.until(() => program.model.questions.includes("flood"));
      const countRefused = flood(FLOOD);
      hold.open();
      const pieces = await program.readAll(person);
      expect(lettersOf(pieces.join("\n"))).toBe(lettersOf(answer));
      expect(countRefused()).toBeGreaterThan(0);
    });

    it("gave the platform no reason to complain in all that, and logged no error", () => {
      const errors = program.log.lines.filter(({ level }) => level === "error");
      expect(errors).toEqual([]);
      expect(program.world.complaints()).toEqual([]);
    });
  });
}
