/** Prints where the time of a .cpuprofile went: `node --import tsx bench/profile.ts FILE [ROWS]`. */
import { readFileSync } from 'node:fs'

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

const [, , path = '', rows = '30'] = process.argv
// Written by V8 in this shape.
const profile: Profile = JSON.parse(readFileSync(path, 'utf8'))

const names = new Map(
  profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
    const file = url.replace(/^.*\/(dist|node_modules)\//, '')
    return [id, `${functionName || '(anonymous)'} ${file === '' ? '' : `${file}:${lineNumber + 1}`}`]
  }),
)
const times = new Map<string, number>()
let busy = 0
for (const [i, id] of profile.samples.entries()) {
  const name = names.get(id) ?? ''
  const time = profile.timeDeltas[i] ?? 0
  if (name.startsWith('(idle)')) continue
  times.set(name, (times.get(name) ?? 0) + time)
  busy += time
}
process.stdout.write(`${(busy / 1e6).toFixed(1)} s busy\n`)
const longest = [...times].toSorted(([, a], [, b]) => b - a).slice(0, Number(rows))
for (const [name, time] of longest) {
  process.stdout.write(`${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}\n`)
}
