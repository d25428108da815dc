// Adds the optional packages of other platforms that npm left out of package-lock.json because the
// registry in use did not serve them. Without their entries `npm ci` refuses the lock file everywhere.
// Run it after `npm install`: node scripts/complete-lockfile.mjs [path of package-lock.json]
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OPERATING_SYSTEMS = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "openharmony",
  "sunos",
  "win32",
];
const PROCESSORS = ["arm", "arm64", "ia32", "ppc64", "riscv64", "s390x", "wasm32", "x64"];
const C_LIBRARIES = { gnu: "glibc", gnueabihf: "glibc", musl: "musl", musleabihf: "musl" };
const EXACT_VERSION = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

const file = process.argv[2] ?? fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(file, "utf8"));

const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (!EXACT_VERSION.test(version) || isLocked(path, name)) continue;
    const platform = platformOf(name);
    if (platform === null) continue;
    const inherited = { ...(entry.dev && { dev: true }), ...(entry.peer && { peer: true }) };
    lock.packages[`node_modules/${name}`] = { version, ...inherited, optional: true, ...platform };
    added.push(`${name}@${version}`);
  }
}

if (added.length > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(byPath));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(`${added.length} optional packages of other platforms added to package-lock.json`);

/** Looks where Node would: beside the package, then in every node_modules above it. */
function isLocked(path, name) {
  for (
    let folder = path;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))
  ) {
    if (lock.packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === "") return false;
  }
}

/** Such packages carry their platform in their name: `@biomejs/cli-linux-x64-musl`. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = OPERATING_SYSTEMS.filter((candidate) => words.includes(candidate));
  const cpu = PROCESSORS.filter((candidate) => words.includes(candidate));
  if (os.length !== 1 || cpu.length !== 1) return null;
  const libc = words.map((word) => C_LIBRARIES[word]).filter((library) => library !== undefined);
  return { os, cpu, ...(libc.length > 0 && os[0] === "linux" && { libc }) };
}

function byPath([left], [right]) {
  return left.localeCompare(right, "en");
}
