/** Prints where the time of a .cpuprofile went: `node --import tsx bench/profile.ts FILE [ROWS]`. */
import { readFileSync } from 'node:fs'

interface Node {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
}

interface Profile {
  nodes: Node[]
  samples: number[]
  timeDeltas: number[]
}

const [, , path = '', rows = '30'] = process.argv
// Written by V8 in this shape.
const profile: Profile = JSON.parse(readFileSync(path, 'utf8'))

const callers = new Map(profile.nodes.flatMap(node => (node.children ?? []).map(child => [child, node])))
const names = new Map(profile.nodes.map(node => [node.id, nameOf(node)]))
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

/** Native functions are named with their caller: a write to a socket is not one to a file. */
function nameOf(node: Node): string {
  const { functionName, url, lineNumber } = node.callFrame
  if (functionName.startsWith('(')) return functionName
  if (url !== '') return `${functionName} ${url.replace(/^.*\/(dist|node_modules)\//, '')}:${lineNumber + 1}`
  const caller = callers.get(node.id)
  return caller === undefined ? functionName : `${functionName} < ${nameOf(caller)}`
}
