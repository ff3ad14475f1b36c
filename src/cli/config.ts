import { readFile } from 'node:fs/promises'
import { errorText, NsqError } from '../util/errors.ts'
import { parseToml, TomlDamage } from './toml.ts'

/** Reads an official TOML file. Throws NsqError `E_CONFIG` naming the file. */
export async function readConfig(file: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new NsqError('E_CONFIG', `cannot read the config file: ${errorText(error)}`, { cause: error })
  }
  try {
    return await parseToml(text)
  } catch (error) {
    if (!(error instanceof TomlDamage)) throw error
    throw new NsqError('E_CONFIG', `${file}:${error.line}: it is not TOML: ${error.message}`, {
      cause: error,
    })
  }
}
