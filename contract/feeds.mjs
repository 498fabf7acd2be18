// Reads feeds as feedsmith does: takes a JSON list of texts on its input, and answers a list of what it makes of each.
//
// usage: node contract/feeds.mjs FOLDER, which is where feedsmith is installed
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const { parseFeed } = createRequire(resolve(process.argv[2], "package.json"))("feedsmith");
const texts = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => parseFeed(text))));
