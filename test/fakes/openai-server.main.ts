import { parseArgs } from "node:util";
import { parseBehaviour } from "./openai-behaviour.ts";
import { OpenAiServer } from "./openai-server.ts";

// An OpenAI-compatible server as a process of its own, until it is killed:
//   node test/fakes/openai-server.main.ts --port 0 --keys sk-a,sk-b --models gpt-test --behaviour "tokens=40;token-ms=20"
// It prints one line of JSON with its address. `GET /__counters` tells what it did for each key, and
// `POST /__behaviour` with `{"key": "sk-a", "behaviour": {…}}` changes how it answers.

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    keys: { type: "string", default: "sk-test" },
    models: { type: "string", default: "gpt-test" },
    behaviour: { type: "string", default: "" },
  },
});

const server = await OpenAiServer.start({
  port: Number(values.port),
  keys: values.keys.split(","),
  models: values.models.split(","),
  behaviour: values.behaviour === "" ? {} : parseBehaviour(`fake;${values.behaviour}`),
});
console.log(JSON.stringify({ url: server.url }));
