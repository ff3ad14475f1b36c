/** The word at the end of a line for bash, and those before it. */
export interface Line {
  /** As a program would get them, the last one as far as it is typed; variables and the like are left as they are. */
  readonly words: readonly string[]
  /** The quote that the last word is in. */
  readonly quote: '"' | "'" | ''
  /** How much of the last word bash keeps, as it is before the last of the breaks; in quotes, what is before these. */
  readonly kept: number
}

/**
 * Takes a command line apart as bash does. Its own `COMP_WORDS` are cut at colons and equals signs, too, and are quoted.
 *
 * @param text - from the name of the program to the cursor
 * @param breaks - `COMP_WORDBREAKS`: the characters at which bash begins another word to complete
 */
export function parseLine(text: string, breaks: string): Line {
  const words: string[] = []
  let word: string | undefined
  let quote: Line['quote'] = ''
  let kept = 0
  /** What `>` is followed by is no word of the program. */
  let isTarget = false
  const end = (): void => {
    if (word !== undefined && !isTarget) words.push(word)
    if (word !== undefined) isTarget = false
    word = undefined
    kept = 0
  }
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? ''
    if (quote === '' && /\s/.test(character)) end()
    else if (quote === '' && /[<>]/.test(character)) {
      if (/^\d+$/.test(word ?? '')) word = undefined
      end()
      isTarget = true
    } else if (character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) {
      quote = character
      kept = (word ??= '').length
    } else if (character === '\\' && quote !== "'" && i + 1 < text.length) {
      const next = text[++i] ?? ''
      word = `${word ?? ''}${quote === '"' && !'"\\$`'.includes(next) ? '\\' : ''}${next}`
    } else {
      word = `${word ?? ''}${character}`
      if (quote === '' && breaks.includes(character)) kept = word.length
    }
  }
  words.push(word ?? '')
  return { words, quote, kept }
}
