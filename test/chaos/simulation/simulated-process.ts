import type { AccountStore } from "../../../src/core/account/account-store.ts";
import type { Clock } from "../../../src/core/clock.ts";
import type { ConversationStore } from "../../../src/core/conversation/conversation-store.ts";
import { RoleList } from "../../../src/core/conversation/role.ts";
import { OutsideError } from "../../../src/core/errors.ts";
import { FinishReply } from "../../../src/core/finish-reply.ts";
import { GenerateReply } from "../../../src/core/generate-reply.ts";
import type { Logger } from "../../../src/core/log.ts";
import { PromptBuilder } from "../../../src/core/prompt-builder.ts";
import { ReplyDispatcher } from "../../../src/core/reply-dispatcher.ts";
import type { ReplyFeed } from "../../../src/core/reply-feed.ts";
import { ReplyHeartbeat } from "../../../src/core/reply-heartbeat.ts";
import type { ReplyQueue } from "../../../src/core/reply-queue.ts";
import { ModelCatalog } from "../../../src/core/upstream/model-catalog.ts";
import type { LoadTokenCounter } from "../../../src/core/upstream/token-counter.ts";
import type { CompletionEvent, CompletionPool } from "../../../src/core/upstream/upstream.ts";
import { RecordedLog } from "../../fakes/recorded-log.ts";
import type { Random } from "../random.ts";
import type { SimulatedReplies } from "./simulated-replies.ts";

const CALL_DIES_SHARE = 0.004;
export const WORD = "w ";
export const PRICE = {
  input: 1_000_000n,
  cachedInput: 1_000_000n,
  output: 3_000_000n,
  messageCost: 1n,
};
export const MODEL = {
  name: "m",
  price: PRICE,
  cost: PRICE,
  contextTokens: 10_000,
  outputTokensMax: 60,
  images: false,
};

/** What all processes of a simulation share. */
export interface SimulatedWorld {
  readonly replies: SimulatedReplies;
  readonly queue: ReplyQueue;
  readonly clock: Clock;
  readonly random: Random;
  readonly stops: Set<(replyId: string) => void>;
  /** Words the upstream gave, by reply. */
  readonly words: Map<string, number>;
}

/**
 * A worker with the program's own core. It can die at any call: before the call reaches its store, or
 * after it took effect there and before anybody hears of it. The dead never say another word.
 */
export class SimulatedProcess {
  isDead = false;
  readonly generate: GenerateReply;
  readonly dispatcher: ReplyDispatcher;
  readonly heartbeat: ReplyHeartbeat;
  readonly replies: SimulatedReplies;
  readonly #random: Random;
  #diesByChance = true;

  constructor(world: SimulatedWorld) {
    this.#random = world.random;
    const log: Logger = new RecordedLog();
    const replies = this.#mortal(world.replies);
    const queue = this.#mortal(world.queue);
    const { clock } = world;
    const models = new ModelCatalog([MODEL], () => new Map());
    this.replies = replies;
    this.heartbeat = new ReplyHeartbeat(replies, log);
    this.dispatcher = new ReplyDispatcher({
      ...{ replies, queue, clock, log },
      outbox: replies,
      runningMax: 1,
    });
    const settings = { slowAnswerFreeAfterMs: null, contextTokensMax: 5_000 };
    const metrics = { replyFinished() {}, replyDelivered() {}, messageReceived() {} };
    const finish = new FinishReply({
      ...{ replies, models, metrics, clock, log },
      dispatcher: this.dispatcher,
      settings: settings as never,
    });
    this.generate = new GenerateReply({
      ...{ replies, models, clock, log, finish },
      accounts: ACCOUNTS,
      conversations: CONVERSATIONS,
      prompts: new PromptBuilder(CONVERSATIONS, loadCounter),
      roles: new RoleList([]),
      pool: this.#pool(world),
      loadTokenCounter: loadCounter,
      feed: feedOf(world, () => this.isDead),
      heartbeat: this.heartbeat,
    });
  }

  /** From now on it lives until it is told otherwise. */
  live(): void {
    this.#diesByChance = false;
  }

  #mortal<Store extends object>(store: Store): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return async (...parts: unknown[]) => {
          if (this.isDead || this.#dies()) return NEVER;
          const result = await (value.apply(target, parts) as Promise<unknown>);
          return this.isDead || this.#dies() ? NEVER : result;
        };
      },
    });
  }

  #dies(): boolean {
    if (this.#diesByChance && this.#random.next() < CALL_DIES_SHARE) this.isDead = true;
    return this.isDead;
  }

  #pool({ clock, random, words }: SimulatedWorld): CompletionPool {
    const isDead = () => this.isDead;
    return {
      async *complete(request, signal): AsyncIterable<CompletionEvent> {
        const fate = random.next();
        const total = random.between(1, 50);
        const brokenAt = fate < 0.1 ? random.below(total) : total;
        await clock.sleep(random.between(50, 2_000), signal);
        if (fate > 0.95) throw new OutsideError("upstream", "overloaded");
        let given = 0;
        words.set(request.stickyKey, 0);
        yield { type: "source", source: { upstream: "u", modelAnswered: "m" } };
        for (; given < brokenAt && !signal.aborted && !isDead(); ) {
          const some = Math.min(brokenAt - given, random.between(1, 12));
          given += some;
          words.set(request.stickyKey, given);
          yield { type: "delta", text: WORD.repeat(some) };
          await clock.sleep(random.between(10, 900), signal);
        }
        if (signal.aborted || isDead()) return;
        if (brokenAt < total)
          throw new OutsideError("upstream", given === 0 ? "unreachable" : "cut");
        const usage = { inputTokens: request.inputTokens, cachedTokens: 0, outputTokens: given };
        yield { type: "done", usage: random.next() < 0.5 ? usage : null, finish: "stop" };
      },
    };
  }
}

const NEVER = new Promise<never>(() => {});

function feedOf({ stops }: SimulatedWorld, isDead: () => boolean): ReplyFeed {
  return {
    publishProgress() {},
    subscribeProgress: () => () => {},
    publishStop(replyId) {
      for (const stop of stops) stop(replyId);
    },
    subscribeStop(listener) {
      const listen = (replyId: string) => {
        if (!isDead()) listener(replyId);
      };
      stops.add(listen);
      return () => stops.delete(listen);
    },
    async start() {},
    async stop() {},
  };
}

/** Counts words. */
const count = (text: string): number => text.length / WORD.length;
const loadCounter: LoadTokenCounter = async () => ({
  count,
  startCount() {
    let total = 0;
    return {
      add(delta) {
        total += count(delta);
      },
      get total() {
        return total;
      },
    };
  },
});

const ACCOUNTS = { find: async () => null } as unknown as AccountStore;
const CONVERSATIONS = {
  readTurn: async (id: bigint) => ({
    id,
    author: "user",
    text: WORD,
    imageCount: 0,
    createdAt: new Date(0),
  }),
  readContext: async () => [],
  readImages: async () => [],
} as unknown as ConversationStore;
