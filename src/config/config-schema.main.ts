import { z } from "zod";
import { ConfigFile } from "./config-file.ts";

// Prints the JSON schema of the configuration file, as published in docs/config.schema.json:
//   npm run --silent config:schema > docs/config.schema.json

console.log(JSON.stringify(z.toJSONSchema(ConfigFile, { io: "input" }), null, 2));
