/**
 * Builds the browser's files into `static/built` and fails over budget: a page view costs its host one small script, and
 * that is a promise. `node build.mjs [--outdir DIR] [--quiet]`.
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
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
  { name: "porchlight.js", entry: "src/loader/loader.ts", format: "iife", target: ["es2021"], budget: 3_000 },
  { name: "panel.js", entry: "src/panel/main.tsx", format: "esm", target: ["es2022"], budget: 20_000 },
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

/** What `import()` fetches when it is needed is a file of its own, by a name that changes with its content. */
const later = {
  name: "later",
  setup(plugin) {
    plugin.onResolve({ filter: /./ }, async ({ path: file, kind, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      return { path: `./${await laterFile(path.join(resolveDir, file))}`, external: true };
    });
  },
};

/** Such a file draws with the Preact of the page that fetches it. */
const lent = {
  name: "lent",
  setup(plugin) {
    plugin.onResolve({ filter: /^preact(\/hooks)?$/ }, () => ({ path: path.join(HERE, "src/ui/lent.ts") }));
  },
};

const laterFiles = new Map();

/** Each is built once, with all that it imports: code that the other files hold too should not be in it. */
function laterFile(entry) {
  if (!laterFiles.has(entry)) laterFiles.set(entry, writeLater(entry));
  return laterFiles.get(entry);
}

async function writeLater(entry) {
  const code = await bundle(entry, "esm", ["es2022"], [lent]);
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 8);
  const name = `later-${path.parse(entry).name}-${hash}.js`;
  await writeFile(path.join(options.outdir, name), code);
  return name;
}

async function bundle(entry, format, target, extra = []) {
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
    inject: entry.endsWith(".tsx") ? [path.join(HERE, "src/ui/jsx.ts")] : [],
    tsconfigRaw: "{}",
    define: { VERSION: JSON.stringify(version) },
    plugins: [...extra, sheets, later],
  });
  // A second pass: a twentieth smaller than what esbuild alone makes.
  const { code } = await minify(result.outputFiles[0].text, {
    module: format === "esm",
    ecma: 2020,
    compress: {
      passes: 6,
      lhs_constants: false,
      unsafe_arrows: true,
      unsafe_methods: true,
      pure_getters: true,
      keep_fargs: false,
    },
  });
  return code;
}

async function write({ name, entry, format, target, budget }) {
  const code = await bundle(entry, format, target);
  await writeFile(path.join(options.outdir, name), code);
  return { name, budget, size: gzipSync(code, { level: 9 }).length };
}

/** Takes away what no file of this build fetches any more. */
async function tidy() {
  const kept = await Promise.all(laterFiles.values());
  const old = (await readdir(options.outdir)).filter((name) => name.startsWith("later-") && !kept.includes(name));
  await Promise.all(old.map((name) => rm(path.join(options.outdir, name), { force: true })));
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
await licences(["preact", "lucide", "htmx.org"]);
await copyFile(path.join(HERE, "node_modules/htmx.org/dist/htmx.min.js"), path.join(options.outdir, "htmx.js"));
const sizes = await Promise.all(entries.map(write));
await tidy();
for (const { name, size, budget } of sizes) {
  if (!options.quiet) console.log(`${name}: ${size} of ${budget} bytes gzipped`);
  if (size > budget) {
    console.error(`${name} is ${size - budget} bytes over its budget. Take something out before you raise it.`);
    process.exitCode = 1;
  }
}
