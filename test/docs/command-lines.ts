/** Finds the calls of our commands in a shell script, well enough for the examples in the documents. */

/** A command of a pipeline: its words, without redirections. */
type Words = string[]

/** The calls of these programs; `npx` and assignments before them are left out. */
export function callsIn(script: string, programs: readonly string[]): Words[] {
  return script
    .split('\n')
    .flatMap(commandsOf)
    .map(withoutPrefix)
    .filter(([program = '']) => programs.includes(program))
}

function withoutPrefix(words: Words): Words {
  const start = words.findIndex(word => word !== 'npx' && !/^\w+=/.test(word))
  return start === -1 ? [] : words.slice(start)
}

// A separator, a redirection with its file, or a word made of quoted and bare pieces.
const TOKEN = /\s*(?:(#.*)|(\|\||&&|[|;&])|([<>]+\s*\S+)|((?:'[^']*'|"[^"]*"|[^\s'"|;&<>])+))/gy

function commandsOf(line: string): Words[] {
  let current: Words = []
  const commands = [current]
  for (const [, comment, separator, , word] of line.matchAll(TOKEN)) {
    if (comment !== undefined) break
    if (separator !== undefined) commands.push((current = []))
    else if (word !== undefined) current.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'))
  }
  return commands
}
