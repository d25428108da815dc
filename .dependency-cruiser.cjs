// The rule of ARCHITECTURE.md: arrows point inward, and one library has one home.
/** Where everything is built: src/app.ts and its parts. */
const ROOT = "app(\\.ts$|/)";
const OUTER = "adapters|workers|upstreams|payments|store|http";

/** Only the folder given, and src/app.ts, which builds everything, may import the libraries. */
const onlyIn = (folder, libraries) => ({
  name: `only-${folder}-may-use-${libraries}`.replaceAll(/[^\w-]+/g, "-"),
  severity: "error",
  from: { path: "^src/", pathNot: `^src/((${folder})/|${ROOT})` },
  to: { path: `node_modules/(${libraries})/` },
});

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "core-imports-only-core",
      comment: "The core knows no platform, queue, HTTP or database library.",
      severity: "error",
      from: { path: "^src/core/" },
      to: { pathNot: ["^src/core/", "^(node:)?(assert|crypto)(/|$)"] },
    },
    {
      name: "outer-folders-meet-only-in-app",
      comment: "An outer folder imports the core and itself; src/app.ts brings them together.",
      severity: "error",
      from: { path: `^src/(${OUTER})/` },
      to: { path: `^src/((${OUTER})/|${ROOT}|main\\.ts)`, pathNot: "^src/$1/" },
    },
    {
      name: "platforms-do-not-meet",
      comment: "What two platforms share lives in src/adapters/shared or in the core.",
      severity: "error",
      from: { path: "^src/adapters/([^/]+)/" },
      to: { path: "^src/adapters/", pathNot: "^src/adapters/($1|shared)/" },
    },
    onlyIn("workers", "bullmq"),
    onlyIn("store|workers", "ioredis"),
    onlyIn("adapters/telegram", "grammy"),
    onlyIn("adapters/discord", "discord\\.js"),
    onlyIn("adapters/wechat", "wechaty[\\w-]*|file-box"),
    onlyIn("adapters/wecom", "@wecom"),
    onlyIn("upstreams", "openai"),
    onlyIn("http", "hono|@hono"),
    onlyIn("store", "@prisma"),
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "src-ignores-test",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench)/" },
    },
    {
      name: "nothing-missing",
      comment: "An import that leads nowhere would slip through every other rule.",
      severity: "error",
      // The web page's scripts import by the addresses that the browser sees.
      from: { pathNot: "^src/adapters/web/page/" },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^src/store/generated/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
