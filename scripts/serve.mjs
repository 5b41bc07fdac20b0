// A small static server for web/dist. Used by npm start, the end-to-end tests, the
// benches and the screenshots.
//
//   node scripts/serve.mjs [--port 4173] [--base /some/path/]

import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { dist } from "./lib/paths.mjs";
import { UserError, main } from "./lib/terminal.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/**
 * Serves a folder on this machine only. A taken port is an error unless `port`
 * is 0, which takes any. Extra `mounts` put other folders under a prefix.
 */
export function serve({ folder = dist, port = 0, base = "/", mounts = {} } = {}) {
  const server = createServer((request, response) => answer(request, response, { folder, base, mounts }));
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new UserError(`Port ${port} is taken. \`npm start -- --port 0\` takes a free one.`) : error);
    });
    server.listen(port, "127.0.0.1", () => {
      const url = `http://localhost:${server.address().port}${base}`;
      const close = () =>
        new Promise((done) => {
          server.close(done);
          server.closeAllConnections();
        });
      resolve({ url, close });
    });
  });
}

function answer(request, response, { folder, base, mounts }) {
  if (request.method !== "GET" && request.method !== "HEAD") return plain(response, 405, "Only GET.");
  const path = decoded(request.url);
  if (path === null) return plain(response, 400, "This address cannot be read.");
  for (const [prefix, mounted] of Object.entries(mounts)) {
    if (path.startsWith(prefix)) return file(request, response, mounted, path.slice(prefix.length));
  }
  if (!path.startsWith(base)) return plain(response, 404, `The page is at ${base}`);
  return file(request, response, folder, path.slice(base.length) || "index.html");
}

function decoded(url) {
  try {
    return decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return null;
  }
}

function file(request, response, folder, relative) {
  const path = normalize(join(folder, relative));
  const inside = path.startsWith(folder + sep);
  const found = inside ? statSync(path, { throwIfNoEntry: false }) : undefined;
  if (!found?.isFile()) return plain(response, 404, "There is no such file.");
  // Revalidated at every request, so that a new page never loads an old module.
  const tag = `"${found.size.toString(36)}-${Math.round(found.mtimeMs).toString(36)}"`;
  const headers = { etag: tag, "cache-control": "no-cache" };
  if (request.headers["if-none-match"] === tag) return response.writeHead(304, headers).end();
  headers["content-type"] = TYPES[extname(path)] ?? "application/octet-stream";
  headers["content-length"] = found.size;
  response.writeHead(200, headers);
  if (request.method === "HEAD") return response.end();
  return createReadStream(path)
    .on("error", () => response.destroy())
    .pipe(response);
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
