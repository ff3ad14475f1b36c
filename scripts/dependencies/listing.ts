const HEADING = 'What comes with them'

/**
 * What is wrong with the list of docs/dependencies.md: every package that an install brings is named there, as code, so that
 * a new one is seen by whoever reads a change. `@scope/name-*` stands for the builds of one package.
 */
export function listing(page: string, brought: readonly string[]): string[] {
  const section = page.split(/^##+ /m).find(text => text.startsWith(HEADING)) ?? ''
  const listed = Array.from(section.matchAll(/`([^`]+)`/g), ([, name = '']) => name)
  return [
    ...brought
      .filter(name => !listed.some(entry => stands(entry, name)))
      .map(name => `docs/dependencies.md, ${HEADING}: ${name} comes with an install, and is not there`),
    ...listed
      .filter(entry => !brought.some(name => stands(entry, name)))
      .map(entry => `docs/dependencies.md, ${HEADING}: ${entry} does not come with an install`),
  ]
}

function stands(entry: string, name: string): boolean {
  return entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : name === entry
}
