import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'

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
