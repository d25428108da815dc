import { text } from "node:stream/consumers";
import { SecretBox } from "./core/upstream/secret-box.ts";
import { readSecretKey } from "./store/secret-key.ts";

// Reads a secret from standard input and prints it sealed, for `keys` in the configuration file:
//   node src/seal-secret.main.ts < key.txt

// A variable left blank is unset.
const given = process.env.SECRET_KEY || null;
const dataDir = process.env.DATA_DIR || "./data";

const secret = (await text(process.stdin)).trim();
if (secret === "") {
  console.error("seal secret: nothing to seal: give the secret on standard input");
  process.exitCode = 2;
} else {
  const { secret: secretKey } = await readSecretKey(given, dataDir);
  console.log(new SecretBox(secretKey).seal(secret));
}
