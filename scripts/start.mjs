// npm start: sets up what is missing, builds, serves the page and prints its
// address. Each step prints its time; a step that has nothing to do is skipped.
//
//   npm start -- [--port 4173]

import { parseArgs } from "node:util";

import { UserError, bold, dim, duration, green, main } from "./lib/terminal.mjs";
import { buildSite } from "./build.mjs";
import { checkPort, serve } from "./serve.mjs";

const PORT = 4173;

await main(async () => {
  const port = wantedPort();
  const began = performance.now();
  // Fails now, not after the build, when the port is taken.
  await checkPort(port);
  console.log(
    dim("The first start compiles Burn for the browser: about 9 minutes on two cores. Later ones take seconds.\n"),
  );
  await buildSite();
  const { url } = await serve({ port });
  console.log(`\n${green("✓")} Ready after ${duration(performance.now() - began)}:  ${bold(url)}`);
  console.log(dim("  Ctrl-C stops the server."));
});

function wantedPort() {
  const usage = "usage: npm start -- [--port NUMBER]";
  let typed;
  try {
    typed = parseArgs({ options: { port: { type: "string" } } }).values.port;
  } catch (error) {
    throw new UserError(`${error.message}\n  ${usage}`);
  }
  if (typed === undefined) return PORT;
  const port = Number(typed);
  if (typed === "" || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UserError(`\`--port ${typed}\` is not a port number.\n  ${usage}`);
  }
  return port;
}
