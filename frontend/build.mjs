/** Bundles the front end into app/static/dist under hashed names and writes manifest.json, which maps plain names to them. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { instance } from "@viz-js/viz";
import { build } from "esbuild";

const DIST = "app/static/dist";
const ICONS = "node_modules/@tabler/icons/icons/outline";
const DISTRICT_MAP = "build/beijing.json";
const FLOWS = "build/flows";
const COMPRESSED = new Set([".css", ".js", ".json", ".svg"]);

const manifest = {};
const written = new Set(["manifest.json"]);

function write(name, content) {
  writeFileSync(join(DIST, name), content);
  written.add(name);
  if (COMPRESSED.has(extname(name))) {
    writeFileSync(join(DIST, `${name}.gz`), gzipSync(content, { level: 9 }));
    written.add(`${name}.gz`);
  }
}

function writeHashed(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const extension = extname(name);
  manifest[name] = `${basename(name, extension)}-${hash}${extension}`;
  write(manifest[name], content);
}

async function writeBundles() {
  const result = await build({
    entryPoints: ["app.js", "charts.js", "style.css", "print.css"].map((name) => `frontend/${name}`),
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2022",
    outdir: DIST,
    entryNames: "[name]-[hash]",
    legalComments: "linked",
    logLevel: "warning",
  });
  for (const file of result.outputFiles) write(basename(file.path), file.contents);
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    if (output.entryPoint) manifest[basename(output.entryPoint)] = basename(path);
  }
}

/** Every quoted word of a template or a Python file that is the name of an icon: a few too many do no harm. */
function namedIcons() {
  const words = new Set();
  for (const path of readdirSync("app", { recursive: true })) {
    if (path.startsWith("static") || ![".html", ".py"].includes(extname(path))) continue;
    for (const [, word] of readFileSync(join("app", path), "utf8").matchAll(/["']([a-z0-9]+(?:-[a-z0-9]+)*)["']/g)) {
      words.add(word);
    }
  }
  return [...words].filter((word) => existsSync(`${ICONS}/${word}.svg`)).sort();
}

/** Colour and line width come from the page: `<svg class="icon"><use href="…#pencil"/></svg>`. */
function symbol(name) {
  const drawing = readFileSync(`${ICONS}/${name}.svg`, "utf8").match(/<svg[^>]*>(.*)<\/svg>/s)[1];
  const shapes = drawing.replace(/\s*\n\s*/g, "");
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`;
}

/** The state diagrams of the flows, for the pages of the guide. */
async function writeFlows() {
  const graphviz = await instance();
  for (const name of readdirSync(FLOWS).filter((each) => each.endsWith(".dot"))) {
    const drawing = graphviz.renderString(readFileSync(join(FLOWS, name), "utf8"), { format: "svg" });
    writeHashed(`flow-${basename(name, ".dot")}.svg`, drawing.slice(drawing.indexOf("<svg")));
  }
}

function removeOldFiles() {
  for (const name of readdirSync(DIST)) {
    if (!written.has(name)) rmSync(join(DIST, name));
  }
}

mkdirSync(DIST, { recursive: true });
await writeBundles();
writeHashed("icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">${namedIcons().map(symbol).join("\n")}</svg>\n`);
writeHashed("beijing.json", readFileSync(DISTRICT_MAP));
await writeFlows();
// A page served during the build finds either the old names or the new ones: the manifest comes after its files.
const sorted = Object.fromEntries(Object.entries(manifest).sort());
writeFileSync(join(DIST, "manifest.json"), `${JSON.stringify(sorted, null, 2)}\n`);
removeOldFiles();
