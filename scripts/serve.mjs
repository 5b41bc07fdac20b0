// A small static server for web/dist. Used by npm start, the end-to-end tests, the
// benches and the screenshots.
//
//   node scripts/serve.mjs [--port 4173] [--base /some/path/]

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { dist } from "./lib/paths.mjs";
import { UserError, main } from "./lib/terminal.mjs";

/**
 * Serves a folder on this machine only. A taken port is an error unless `port`
 * is 0, which takes any. Extra `mounts` put other folders under a prefix. `isolated`
 * pages may share memory between threads. The packages of the scripts must be installed.
 */
export async function serve({ folder = dist, port = 0, base = "/", mounts = {}, isolated = false } = {}) {
  const { default: sirv } = await import("sirv");
  // Files that the build has compressed go out so; everything is revalidated at every
  // request, so that a new page never loads an old module.
  const files = (folder) => sirv(folder, { dev: true, etag: true, brotli: true, gzip: true });
  const site = files(folder);
  const others = Object.entries(mounts).map(([prefix, mounted]) => [prefix, files(mounted)]);
  const { port: taken, close } = await listen(port, (request, response) => {
    if (isolated) {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
    }
    answer(request, response, { site, base, others });
  });
  return { url: `http://localhost:${taken}${base}`, close };
}

/** Fails if the port is taken; needs no packages. */
export async function checkPort(port) {
  await (await listen(port, () => {})).close();
}

function listen(port, handler) {
  const server = createServer(handler);
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new UserError(`Port ${port} is taken. \`npm start -- --port 0\` takes a free one.`) : error);
    });
    server.listen(port, "127.0.0.1", () => {
      const close = () =>
        new Promise((done) => {
          server.close(done);
          server.closeAllConnections();
        });
      resolve({ port: server.address().port, close });
    });
  });
}

function answer(request, response, { site, base, others }) {
  if (request.method !== "GET" && request.method !== "HEAD") return plain(response, 405, "Only GET.");
  const path = decoded(request.url);
  if (path === null) return plain(response, 400, "This address cannot be read.");
  const missing = () => plain(response, 404, "There is no such file.");
  const pass = (handler, prefix) => {
    // What lies under the prefix, with its query; the handler decodes it.
    request.url = `/${request.url.slice(prefix.length)}`;
    response.setHeader("cache-control", "no-cache");
    // A range that ends before it begins is none; sirv would ask for it.
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (Number(first) > Number(last)) delete request.headers.range;
    handler(request, response, missing);
  };
  const other = others.find(([prefix]) => path.startsWith(prefix));
  if (other) return pass(other[1], other[0]);
  if (!path.startsWith(base)) return plain(response, 404, `The page is at ${base}`);
  return pass(site, base);
}

function decoded(url) {
  try {
    return decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return null;
  }
}

function plain(response, status, text) {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: { port: { type: "string", default: "4173" }, base: { type: "string", default: "/" } },
    });
    const { url } = await serve({ port: Number(values.port), base: values.base });
    console.log(url);
  });
}
