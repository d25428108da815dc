// Makes a fresh clone ready to run, and costs a few milliseconds when it is: installs the packages of
// package-lock.json when something is missing, then generates the Prisma client when the schema has
// changed. Runs on any Node from 20 on, without packages. Every npm script starts with it.
//   --include=dev   the packages of developers are needed, whatever NODE_ENV says
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findMissingPackage } from "./missing-package.mjs";
import { withLock } from "./prepare-lock.mjs";

const NODE_MAJOR_MIN = 24;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inRoot = (path) => join(root, path);
const LOCK_FILE = inRoot("package-lock.json");
const INSTALLED_FILE = inRoot("node_modules/.package-lock.json");
/** npm deletes it together with the packages it speaks of. */
const PACKAGES_STAMP = inRoot("node_modules/.dianka-packages");
const CLIENT_STAMP = inRoot("src/store/generated/.made-from");
const NODE = inRoot("node_modules/.bin/node");

/** Codes of the file system that a person can do something about. */
const FILE_ERRORS = new Set(["EACCES", "EPERM", "EROFS", "ENOSPC"]);

/** A sentence for the person who started us. */
class PrepareError extends Error {}

try {
  if (!isReady()) await withLock(inRoot(".prepare.lock"), makeReady);
} catch (error) {
  const isKnown = error instanceof PrepareError || FILE_ERRORS.has(error.code);
  if (!isKnown) throw error;
  console.error(error instanceof PrepareError ? error.message : sentence(error.code));
  process.exitCode = 1;
}

function isReady() {
  return arePackagesInstalled(needsDevelopers()) && isClientGenerated() && findNode() !== null;
}

async function makeReady(noteProcess) {
  // Another start may have done it while we waited.
  if (!arePackagesInstalled(needsDevelopers()))
    await installPackages(needsDevelopers(), noteProcess);
  if (findNode() === null) {
    throw new PrepareError(
      `Dianka needs Node ${NODE_MAJOR_MIN} or later, and the one from npm was not installed: run "npm rebuild node", or install Node ${NODE_MAJOR_MIN}.`,
    );
  }
  if (!isClientGenerated()) await generateClient();
}

/** Node 24 and the Prisma generator are packages of developers: without them nothing else must be missing. */
function needsDevelopers() {
  const isOmitted =
    process.env.NODE_ENV === "production" ||
    /\bdev\b/.test(process.env.npm_config_omit ?? "") ||
    process.argv.includes("--omit=dev");
  return (
    !isOmitted ||
    process.argv.includes("--include=dev") ||
    !isOwnNodeEnough() ||
    !isClientGenerated()
  );
}

function findNode() {
  if (existsSync(NODE)) return NODE;
  return isOwnNodeEnough() ? process.execPath : null;
}

/** The Node from npm goes when its package goes; only another one can stand in for it. */
function isOwnNodeEnough() {
  if (process.execPath.startsWith(inRoot("node_modules"))) return false;
  return Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN;
}

function arePackagesInstalled(withDevelopers) {
  if (!existsSync(INSTALLED_FILE)) return false;
  const stamp = hashOf(
    readFileSync(LOCK_FILE),
    readFileSync(INSTALLED_FILE),
    String(withDevelopers),
  );
  if (readIfThere(PACKAGES_STAMP) === stamp) return true;
  if (findMissingPackage(LOCK_FILE, INSTALLED_FILE, withDevelopers) !== null) return false;
  noteInstalled(stamp);
  return true;
}

async function installPackages(withDevelopers, noteProcess) {
  console.error("Installing packages; this takes a minute the first time …");
  const options = ["--no-audit", "--no-fund", "--loglevel=error"];
  const args = ["ci", ...options, withDevelopers ? "--include=dev" : "--omit=dev"];
  const { code, errors } = await run(npm(), args, { noteProcess });
  if (code !== 0)
    throw new PrepareError(`The packages could not be installed: ${reasonOf(errors)}.`);
  // Optional packages that this registry does not serve stay missing; asking again would not help.
  const installed = existsSync(INSTALLED_FILE) ? readFileSync(INSTALLED_FILE) : "";
  noteInstalled(hashOf(readFileSync(LOCK_FILE), installed, String(withDevelopers)));
}

/** Only saves time, so a folder that is read-only, in a container say, does not matter. */
function noteInstalled(stamp) {
  try {
    writeFileSync(PACKAGES_STAMP, stamp);
  } catch (error) {
    if (!FILE_ERRORS.has(error.code)) throw error;
  }
}

/** The npm that runs us, so that no other one on the path changes what it made. */
function npm() {
  const { npm_execpath: script, npm_node_execpath: node } = process.env;
  return script?.endsWith("npm-cli.js") && node !== undefined && existsSync(node)
    ? [node, script]
    : ["npm"];
}

function sentence(errors) {
  return `The packages could not be installed: ${reasonOf(errors)}`;
}

function reasonOf(errors) {
  if (/ENOSPC/.test(errors)) return "the disk is full.";
  if (/EACCES|EPERM|EROFS/.test(errors)) return `this user may not write to ${root}.`;
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|FETCH_ERROR/.test(errors)
  ) {
    return "the package registry of npm cannot be reached; is there a network?";
  }
  if (/ENOENT.*npm/.test(errors)) return "there is no npm; install Node with npm.";
  return 'npm failed, see above; "npm ci" shows more.';
}

function isClientGenerated() {
  return readIfThere(CLIENT_STAMP) === clientStamp();
}

function clientStamp() {
  const version = JSON.parse(readFileSync(LOCK_FILE, "utf8")).packages["node_modules/prisma"]
    ?.version;
  return hashOf(readFileSync(inRoot("prisma/schema.prisma")), String(version));
}

async function generateClient() {
  rmSync(CLIENT_STAMP, { force: true });
  const prisma = inRoot("node_modules/prisma/build/index.js");
  const { code, errors } = await run([findNode(), prisma], ["generate"], {
    quiet: true,
    env: { CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1" },
  });
  if (code !== 0) {
    throw new PrepareError(
      `${errors}\nThe database client could not be generated from prisma/schema.prisma, see above.`,
    );
  }
  writeFileSync(CLIENT_STAMP, clientStamp());
}

/** Runs a program to its end. `quiet` keeps what it prints, else the person sees it too. */
function run([file, ...before], args, { quiet = false, env = {}, noteProcess = () => {} }) {
  return new Promise((resolve) => {
    const child = spawn(file, [...before, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", quiet ? "pipe" : "inherit", "pipe"],
    });
    if (child.pid !== undefined) noteProcess(child.pid);
    let errors = "";
    const keep = (chunk) => {
      errors += chunk;
      if (!quiet) process.stderr.write(chunk);
    };
    child.stderr.on("data", keep);
    child.stdout?.on("data", keep);
    // Whoever stops us stops the work too, and we stay to release the lock.
    const stop = (signal) => child.kill(signal);
    process.on("SIGINT", stop).on("SIGTERM", stop);
    const settle = (code) => {
      process.removeListener("SIGINT", stop).removeListener("SIGTERM", stop);
      resolve({ code, errors });
    };
    child.once("close", (code) => settle(code ?? 1));
    child.once("error", (error) => {
      errors += `${error.message}\n`;
      settle(1);
    });
  });
}

function hashOf(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}
