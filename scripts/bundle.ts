import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { BuildOptions, Plugin } from 'esbuild'

/** How TypeScript becomes modules that Node runs here. */
export const FOR_NODE = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
} satisfies BuildOptions

/** Several modules, with what they share in chunks beside them. */
export const SEVERAL_FOR_NODE = {
  ...FOR_NODE,
  splitting: true,
  outExtension: { '.js': '.mjs' },
} satisfies BuildOptions

/** For what is bundled to run here: a module goes on seeing the folder that it was written in. */
export const ownUrls: Plugin = {
  name: 'own-urls',
  setup(builder) {
    builder.onLoad({ filter: /\.tsx?$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(
        /import\.meta\.url/g,
        `'${pathToFileURL(path).href}'`,
      ),
      loader: path.endsWith('x') ? 'tsx' : 'ts',
    }))
  },
}
