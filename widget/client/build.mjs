/**
 * Builds the browser's files into `static/built` and fails over budget: a page view costs its host one small script, and
 * that is a promise. `node build.mjs [--outdir DIR] [--quiet]`.
 */

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";

const HERE = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    outdir: { type: "string", default: path.join(HERE, "../../static/built") },
    quiet: { type: "boolean", default: false },
  },
});

const { version } = JSON.parse(await readFile(path.join(HERE, "package.json"), "utf8"));

/** Constructable sheets, which all styles are, are as old as these. */
const BROWSERS = ["chrome111", "firefox115", "safari16.4"];

/** Most bytes of each file, gzipped. */
const FILES = [
  { name: "porchlight.js", entry: "src/loader/loader.ts", format: "iife", target: ["es2020"], budget: 3_000 },
  { name: "panel.js", entry: "src/panel/main.tsx", format: "esm", target: ["es2022"], budget: 21_000 },
  { name: "inbox.js", entry: "src/inbox/main.tsx", format: "esm", target: ["es2022"], budget: 40_000 },
];

/** A style sheet becomes minified text: the code makes a constructable sheet of it. */
const sheets = {
  name: "sheets",
  setup(plugin) {
    plugin.onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
      const { code } = await transform(await readFile(file, "utf8"), { loader: "css", minify: true, target: BROWSERS });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

async function bundle({ name, entry, format, target, budget }) {
  const result = await build({
    absWorkingDir: HERE,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format,
    target,
    charset: "utf8",
    legalComments: "none",
    // Plain calls of Preact's own function instead of its JSX runtime, which would be a second one beside it.
    jsx: "transform",
    jsxFactory: "createElement",
    jsxFragment: "Fragment",
    inject: format === "esm" ? [path.join(HERE, "src/ui/jsx.ts")] : [],
    tsconfigRaw: "{}",
    define: { VERSION: JSON.stringify(version) },
    plugins: [sheets],
  });
  // A second pass: a twentieth smaller than what esbuild alone makes.
  const { code } = await minify(result.outputFiles[0].text, {
    module: format === "esm",
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
  });
  await writeFile(path.join(options.outdir, name), code);
  return { name, budget, size: gzipSync(code, { level: 9 }).length };
}

/** What is bundled keeps its licence beside it. */
async function licences(names) {
  const texts = names.map(
    async (name) => `${name}\n\n${await readFile(path.join(HERE, "node_modules", name, "LICENSE"), "utf8")}`,
  );
  await writeFile(path.join(options.outdir, "LICENSES.txt"), (await Promise.all(texts)).join("\n\n"));
}

await mkdir(options.outdir, { recursive: true });
const entries = FILES.filter(({ entry }) => existsSync(path.join(HERE, entry)));
await licences(["preact", "lucide"]);
const sizes = await Promise.all(entries.map(bundle));
for (const { name, size, budget } of sizes) {
  if (!options.quiet) console.log(`${name}: ${size} of ${budget} bytes gzipped`);
  if (size > budget) {
    console.error(`${name} is ${size - budget} bytes over its budget. Take something out before you raise it.`);
    process.exitCode = 1;
  }
}
