/** Numbers from 0 up to `below`, the same for the same seed (mulberry32). */
export type Random = (below: number) => number;

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

export const CORPUS_KINDS = ["english", "chinese", "markdown", "code", "emoji"] as const;
export type CorpusKind = (typeof CORPUS_KINDS)[number];

/** Text of about this many UTF-8 bytes, put together at random from the word lists below. */
export function createCorpus(kind: CorpusKind, bytes: number, random: Random): string {
  const parts: string[] = [];
  for (let length = 0; length < bytes; ) {
    const part = PARTS[kind](random);
    parts.push(part);
    length += Buffer.byteLength(part);
  }
  return parts.join("");
}

const list = (words: string) => words.trim().split(/\s+/);

const ENGLISH = list(`
  the of and to in is that it was for on are as with his they at be this have from or had by not but
  what all were when we there can an your which their said if will each about how up out them then she
  many some so these would other into has more her two like him see time could no make than first been
  its who now people my made over did down only way find use may water long little very after words
  called just where most know get through back much before also around another came come work three
  word must because does part even place well such here take why things help put years different away
  again off went old number great tell men say small every found still between name should home big
  give air line set own under read last never us left end along while might next sound below saw
  something thought both few those always looked show large often together asked house world going
  want school important until form food keep children feet land side without boy once animals life
  enough took sometimes four head above kind began almost live page got earth need far hand high year
  mother light parts country father let night following picture being study second eyes soon times
  story boys since white days ever paper hard near sentence better best across during today others
  however sure means knew try told young miles sun ways thing whole hear example heard several change
  answer room sea against top turned learn point city play toward five using himself usually money
  didn't it's don't you're we've I'll can't won't they'd reconciliation throughput idempotency ledger
  asynchronous configuration approximately notwithstanding serendipity microprocessor photosynthesis`);
const SYLLABLES = list(
  "ka lo mi ren tas vor quin bel dur esh ny oth pra sul wex zan gri hal jo ix",
);

const CHINESE = list(`
  的 一 是 不 了 在 人 有 我 他 这 个 们 中 来 上 大 为 和 国 地 到 以 说 时 要 就 出 会 可 也 你 对 生 能 而 子 那 得 于 着 下
  自 之 年 过 发 后 作 里 用 道 行 所 然 家 种 事 成 方 多 经 么 去 法 学 如 都 同 现 当 没 动 面 起 看 定 天 分 还 进 好 小 部
  其 些 主 样 理 心 她 本 前 开 但 因 只 从 想 实 日 军 者 意 无 力 它 与 长 把 机 十 民 第 公 此 已 工 使 情 明 性 知 全 三 又
  我们 他们 可以 没有 自己 问题 时候 什么 因为 所以 如果 但是 这个 那个 一个 知道 觉得 需要 使用 系统 数据 用户 服务 账户 余额 充值
  消息 模型 语言 中文 程序 代码 函数 变量 接口 网络 安全 性能 测试 结果 方法 过程 研究 发展 社会 经济 文化 历史 教育 科学 技术 工程
  城市 农村 学生 老师 医院 公司 市场 产品 价格 质量 管理 政府 法律 环境 气候 能源 交通 旅游 音乐 电影 文学 艺术 运动 健康 朋友 家庭
  今天 明天 昨天 现在 以前 以后 北京 上海 广州 深圳 香港 台湾 美国 日本 欧洲 人工智能 机器学习 神经网络 点卡 令牌 计费 退款 订单 支付
  春风 秋雨 明月 清泉 松间 石上 红豆 南国 相思 长河 落日 孤烟 大漠 黄鹤 白云 千载 悠悠 晴川 芳草 鹦鹉 麒麟 饕餮 氤氲 旖旎 踌躇 徘徊`);
const CHINESE_ENDS = list("， ， ， ， 。 。 。 、 ； ： ？ ！");

const NAMES = list(
  "user account total balance items result index value buffer token ledger options",
);
const TYPES = list(
  "string number boolean Map<string,number> Promise<void> Uint8Array readonly\u00a0string[]",
);
const EMOJI = list("😀 🎉 👍🏽 👨‍👩‍👧‍👦 🇨🇳 🏳️‍🌈 ❤️ ✨ 🤖 👩🏾‍💻 ☕ 🚀 1️⃣ ©️ 🧑‍🎓 ㊗️");
const OTHERS = list(`
  café naïve Straße Ångström señor Привет мир Здравствуйте สวัสดี नमस्ते 안녕하세요 こんにちは カタカナ
  مرحبا שלום Γειά ＦＵＬＬ ｗｉｄｔｈ １２３ x² ½ Ⅷ e\u0301 o\u0308 \u200bzero \ufeffbom \ud83d lone\udc00`);
const GAPS = [" ", " ", " ", "\n", "\r\n", "  ", "\t", "\u3000", "\u00a0", "\n\n  ", ""];

const pick = (words: readonly string[], random: Random) => words[random(words.length)] ?? "";
const repeat = (times: number, make: () => string) => Array.from({ length: times }, make);
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

function englishWord(random: Random): string {
  if (random(25) === 0)
    return capital(repeat(2 + random(2), () => pick(SYLLABLES, random)).join(""));
  if (random(40) === 0) return String(random(10 ** (1 + random(7))));
  return pick(ENGLISH, random);
}

function english(random: Random): string {
  const words = repeat(5 + random(14), () => englishWord(random));
  if (random(3) === 0) words.splice(3, 0, `${words.splice(3, 1)},`);
  const end = random(12) === 0 ? "?\n\n" : random(6) === 0 ? ".\n" : ". ";
  return capital(words.join(" ")) + end;
}

function chinese(random: Random): string {
  const words = repeat(2 + random(8), () =>
    random(30) === 0 ? String.fromCharCode(0x4e00 + random(0x51a0)) : pick(CHINESE, random),
  );
  if (random(25) === 0) words.push(` ${capital(pick(NAMES, random))} `, String(random(3000)), "年");
  return words.join("") + pick(CHINESE_ENDS, random) + (random(40) === 0 ? "\n\n" : "");
}

function markdown(random: Random): string {
  const sentence = () => (random(3) === 0 ? chinese(random) : english(random));
  const make = [
    () => `${"#".repeat(1 + random(3))} ${english(random).trim()}\n\n`,
    () => `- **${pick(ENGLISH, random)}**: ${sentence().trim()}\n`,
    () =>
      `${1 + random(9)}. ${sentence().trim()} [${pick(NAMES, random)}](https://example.com/${random(1e6)})\n`,
    () => `| ${repeat(3, () => pick(NAMES, random)).join(" | ")} | ${random(1e4)} |\n`,
    () => `> ${sentence()}\n`,
    () => `\`\`\`ts\n${code(random)}\`\`\`\n\n`,
    () => `${sentence()}${sentence()}\n\n`,
  ];
  return (make[random(make.length)] ?? english)(random);
}

function code(random: Random): string {
  const name = () => pick(NAMES, random) + (random(2) === 0 ? capital(pick(NAMES, random)) : "");
  const pad = "  ".repeat(random(4));
  const make = [
    () =>
      `${pad}const ${name()}: ${pick(TYPES, random)} = await this.#${name()}.${name()}(${name()});\n`,
    () =>
      `${pad}if (${name()} !== ${random(500)} && !${name()}) {\n${pad}  return ${name()};\n${pad}}\n`,
    () =>
      `${pad}for (let i = 0; i < ${name()}.length; i++) ${name()}[i] = 0x${random(65536).toString(16)};\n`,
    () => `${pad}// ${capital(repeat(6, () => englishWord(random)).join(" "))}.\n`,
    () =>
      `{"${name()}": "${pick(CHINESE, random)}", "${name()}_id": [${random(99)}, ${random(1e9)}, null]}\n`,
    () =>
      `SELECT ${name()}, COUNT(*) FROM "${name()}s" WHERE id='${random(1e6)}' GROUP BY 1;\r\n\r\n`,
    () =>
      `def ${pick(NAMES, random)}_${pick(NAMES, random)}(self, *args):\n\treturn f"{${name()}!r:>${random(40)}}"\n`,
  ];
  return (make[random(make.length)] ?? english)(random);
}

function emoji(random: Random): string {
  const words = repeat(4 + random(8), () => {
    const word = pick([EMOJI, OTHERS, ENGLISH, CHINESE][random(4)] ?? EMOJI, random);
    return (random(5) === 0 ? word.toUpperCase() : word).repeat(random(9) === 0 ? 3 : 1);
  });
  return words.map((word) => word + pick(GAPS, random)).join("");
}

const PARTS: Readonly<Record<CorpusKind, (random: Random) => string>> = {
  english,
  chinese,
  markdown,
  code,
  emoji,
};
