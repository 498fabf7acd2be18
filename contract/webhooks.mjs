// Verifies messages with the library `standardwebhooks` of npm, for contract/webhooks.py.
//
// usage: node contract/webhooks.mjs FOLDER, where `npm install standardwebhooks` was run. Standard input is a list of messages, each with a secret;
// standard output a list of whether each is verified.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { Webhook, WebhookVerificationError } = createRequire(join(process.argv[2], "package.json"))("standardwebhooks");

const verified = JSON.parse(readFileSync(0, "utf8")).map(({ secret, headers, body }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
});
process.stdout.write(JSON.stringify(verified));
