import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { Cluster } from '../../../src/cli/dev/cluster.ts'
import { doctor } from '../../../src/cli/commands/doctor.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { Nsqd } from '../../../src/nsqd/daemon.ts'
import { type NsqdOptions, resolveNsqdOptions } from '../../../src/nsqd/options.ts'
import { listNodes } from '../../../src/cluster/lookup.ts'
import { formatAddress } from '../../../src/util/address.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { pause } from '../../support/wait.ts'
import { type FakeSurroundings, fakeSurroundings } from '../fakes.ts'

export interface Found {
  check: string
  target: string
  status: string
  message: string
  remedy: string | null
}

export interface Diagnosis {
  code: number
  findings: Found[]
  /** Those that are no good, but for what is said of the machine that the tests run on. */
  wrong: Found[]
  err: string
}

export async function diagnose(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Diagnosis> {
  const around = fakeSurroundings(env)
  const code = await runDoctor(['--json', ...words], around)
  const findings = around
    .out()
    .split('\n')
    .filter(line => line !== '')
    .map(readFinding)
  const wrong = findings.filter(
    ({ target, status }) => target !== 'this machine' && (status === 'warn' || status === 'fail'),
  )
  return { code, findings, wrong, err: around.err() }
}

export function runDoctor(words: readonly string[], around: FakeSurroundings): Promise<number> {
  const entry = { name: 'doctor', summary: '', load: () => Promise.resolve(doctor) }
  return runProgram('nsq-ts', ['doctor', ...words], [entry], around)
}

function readFinding(line: string): Found {
  const { check, target, status, message, remedy }: Record<string, unknown> = { ...JSON.parse(line) }
  assert.ok(typeof check === 'string' && typeof target === 'string' && typeof status === 'string')
  assert.ok(typeof message === 'string' && (typeof remedy === 'string' || remedy === null))
  return { check, target, status, message, remedy }
}

const logger = (): Logger => new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} })

/** Daemons of this process until the test ends; registered when this resolves. */
export async function startCluster(
  t: TestContext,
  { nsqds, lookupds }: { nsqds: number; lookupds: number },
): Promise<Cluster> {
  const cluster = await Cluster.start({
    nsqds,
    lookupds,
    dataPath: temporaryFolder(),
    topics: [],
    logger,
    ports: { nsqd: 0, lookupd: 0 },
  })
  t.after(() => cluster.close())
  for (const { http } of cluster.lookupds) await registered(http, nsqds)
  return cluster
}

export async function startNsqd(t: TestContext, options: Partial<NsqdOptions>): Promise<Nsqd> {
  const nsqd = new Nsqd(
    resolveNsqdOptions({
      tcpAddress: '127.0.0.1:0',
      httpAddress: '127.0.0.1:0',
      dataPath: temporaryFolder(),
      shutdownTimeout: 0,
      ...options,
    }),
    logger(),
  )
  await nsqd.start()
  t.after(() => nsqd.close())
  return nsqd
}

/** Waits until so many nsqds are registered. */
export async function registered(lookupd: string, count: number): Promise<void> {
  const deadline = performance.now() + 10_000
  while ((await listNodes([lookupd])).value.length < count) {
    assert.ok(performance.now() < deadline, `${count} nsqds at ${lookupd}`)
    await pause(5)
  }
}

/** A TCP server that does this with each connection, until the test ends. Returns its address. */
export async function listen(t: TestContext, serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return formatAddress({ host: '127.0.0.1', port: address.port })
}
