/** Text as roff, in the macros of man(7) that groff and mandoc both know. */

/** Text of which no character means anything to roff; a hyphen stays one that can be copied. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('`', '\\(ga')
    .replaceAll('…', '...')
    .replaceAll(/^\./gm, '\\&.')
}

export function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`
}

export function italic(text: string): string {
  return `\\fI${roff(text)}\\fR`
}

/** Flags and variables in running text stand out; each sentence has a line of its own. */
export function prose(text: string): string {
  return text
    .split(/(?<=[a-z)\d\]}][.:]) (?=[A-Z-])/)
    .map(sentence => sentence.split(/((?<![\w-])--?[a-z][a-z\d-]*(?:=[\w.]+)?|\bNSQ_[A-Z_]+\b)/).map(highlight).join(''))
    .map(line => line.replace(/^\./, '\\&.'))
    .join('\n')
}

/** Every second part is one that stands out. */
function highlight(part: string, index: number): string {
  return index % 2 === 1 ? bold(part) : roff(part)
}

export function section(title: string, ...blocks: readonly string[]): string {
  // A heading begins a paragraph itself.
  return `.SH ${title}\n${blocks.join('\n').replace(/^\.PP\n/, '')}`
}

export function paragraph(text: string): string {
  return `.PP\n${prose(text)}`
}

/** A term, and what is said of it below. */
export function entry(term: string, text: string): string {
  return `.TP\n${term}\n${text}`
}

/** Lines to be copied: they are not filled. */
export function verbatim(text: string): string {
  return `.PP\n.RS 4\n.EX\n${roff(text)}\n.EE\n.RE`
}
