import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import split2 from 'split2'
import { temporaryFolder } from './temporary-folder.ts'
import { until } from './wait.ts'

const require = createRequire(import.meta.url)

/** A real statsd, and the Graphite that it writes to. */
export interface Statsd {
  /** Its UDP port, on 127.0.0.1. */
  readonly port: number
  /** What has reached Graphite: counts are summed, gauges are the last. By Graphite's names: `stats.counters.X.count`. */
  readonly values: ReadonlyMap<string, number>
  readonly log: readonly string[]
}

/** Starts the statsd of npm; it ends with the test. */
export async function startStatsd(t: TestContext): Promise<Statsd> {
  const folder = temporaryFolder()
  const values = new Map<string, number>()
  const graphite = await startGraphite(t, values)
  const server = join(folder, 'server.cjs')
  // Its own UDP server, on whatever port is free, which it would not say.
  writeFileSync(
    server,
    `const udp = require(${JSON.stringify(require.resolve('statsd/servers/udp.js'))})
exports.start = (config, callback) => {
  udp.start({ ...config, port: '0' }, callback)
  udp.server.on('listening', () => console.log('port ' + udp.server.address().port))
  return true
}`,
  )
  const config = {
    servers: [{ server, address: '127.0.0.1' }],
    backends: ['./backends/graphite'],
    graphiteHost: '127.0.0.1',
    graphitePort: graphite,
    graphite: { legacyNamespace: false },
    mgmt_address: '127.0.0.1',
    mgmt_port: '0',
    flushInterval: 100,
    deleteIdleStats: true,
  }
  const configFile = join(folder, 'config.js')
  writeFileSync(configFile, `(${JSON.stringify(config)})`)
  // It writes its log with a function that Node 23 and later do not have.
  const log = join(folder, 'log.cjs')
  writeFileSync(log, "require('node:util').log ??= console.log")
  const child = spawn(process.execPath, ['--require', log, require.resolve('statsd/stats.js'), configFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(async () => {
    const ended = once(child, 'exit')
    if (child.exitCode === null && child.kill()) await ended
  })
  const lines: string[] = []
  let port = 0
  child.stdout.pipe(split2()).on('data', (line: string) => {
    lines.push(line)
    port ||= Number(/^port (\d+)$/.exec(line)?.[1] ?? 0)
  })
  await until(
    () => port > 0,
    () => `statsd did not start: ${lines.join('\n')}`,
  )
  return { port, values, log: lines }
}

async function startGraphite(t: TestContext, values: Map<string, number>): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.pipe(split2()).on('data', (line: string) => {
      const [name = '', value] = line.split(' ')
      const before = name.endsWith('.count') ? (values.get(name) ?? 0) : 0
      values.set(name, before + Number(value))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
