import { readFile } from 'node:fs/promises'
import { errorText, NsqError } from '../util/errors.ts'

/** Reads an official TOML file. Throws NsqError `E_CONFIG` naming the file. */
export async function readConfig(file: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new NsqError('E_CONFIG', `cannot read the config file: ${errorText(error)}`, { cause: error })
  }
  const { parse } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    throw new NsqError('E_CONFIG', `${file} is not TOML: ${errorText(error)}`, { cause: error })
  }
}
