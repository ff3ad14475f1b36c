/** A text that is not TOML. */
export class TomlDamage extends Error {
  override readonly name = 'TomlDamage'
  /** From 1. */
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** @throws TomlDamage, which shows nothing of the text: there may be a secret in it */
export async function parseToml(text: string): Promise<Record<string, unknown>> {
  const { parse, TomlError } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Below its first line it shows a piece of the file.
    const [what = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw new TomlDamage(error.line, what)
  }
}
