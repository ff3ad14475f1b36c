import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MESSAGE_OVERHEAD } from '../../src/protocol/message.ts'
import { type Contestant, deadlineFor, publishBacklog, type Sample } from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import type { BenchOptions } from '../family.ts'
import { createBodies } from '../load/bodies.ts'
import { median, type Outcome, takeTurns } from '../measure.ts'
import { scratchFolder } from '../scratch.ts'
import type { LoadResult } from '../work.ts'
import { Worker } from '../worker.ts'
import {
  type PubSetting,
  type TailSetting,
  TOOL_BODY_LENGTH,
  TOOL_MESSAGES,
  type ToolLine,
  type ToolSetting,
} from './lines.ts'
import { watch } from './watch.ts'

const OURS = fileURLToPath(new URL('../../bin/nsq-ts.js', import.meta.url))
const CHANNEL = 'nsq_tail'
/** Messages of an MPUB. */
const BATCH = 1000
/** A backlog is in memory: it is not nsqd's disk that is measured. */
const IN_MEMORY = '--mem-queue-bytes=268435456'
const NEWLINE = 0x0a
/** A message as a line. */
const LINE_LENGTH = TOOL_BODY_LENGTH + 1
/** What a read of a file gives a program that does not say how much it wants: as much is published, and answered, at once. */
const READ_LENGTH = 64 * 1024

export interface ToolOutcome {
  readonly setting: ToolSetting
  readonly outcome: Outcome
  /** The whole command; undefined for the ceiling, which is no command. */
  readonly wholeMs: number | undefined
}

export interface ToolResult {
  readonly line: ToolLine
  readonly outcomes: readonly ToolOutcome[]
}

type ToolOptions = Pick<BenchOptions, 'rounds' | 'scale' | 'officialBin' | 'profile'>

interface Arena {
  readonly daemon: Daemon
  readonly publisher: Worker<'publish'>
  readonly folder: string
  readonly messages: number
  readonly officialBin: string
  readonly profile: string
}

interface ToolContestant extends Contestant {
  readonly setting: ToolSetting
  readonly wholeMs: readonly number[]
}

/** Measures a line: ours, the official tool if there is one, and the ceiling, in turn, on one nsqd. */
export async function measureTools(
  line: ToolLine,
  { rounds, scale, officialBin, profile }: ToolOptions,
): Promise<ToolResult> {
  const messages = Math.ceil((TOOL_MESSAGES * scale.backlog) / BATCH) * BATCH
  const scratch = scratchFolder()
  writeFileSync(inputIn(scratch.path), linesOf(messages))
  const daemon = await Daemon.start([IN_MEMORY])
  const publisher = new Worker('publish')
  const arena = { daemon, publisher, folder: scratch.path, messages, officialBin, profile }
  const contestants = line.settings
    .filter(({ by }) => by !== 'official' || officialBin !== '')
    .map((setting, i) => start(arena, setting, `bench-${line.name}-${i}`))
  try {
    const outcomes = await takeTurns(contestants, rounds)
    return {
      line,
      outcomes: [...outcomes].map(([{ setting, wholeMs }, outcome]) => ({
        setting,
        outcome,
        wholeMs: wholeMs.length === 0 ? undefined : median(wholeMs),
      })),
    }
  } finally {
    for (const contestant of contestants) await contestant.stop()
    publisher.stop()
    await daemon.stop()
    scratch.remove()
  }
}

function start(arena: Arena, setting: ToolSetting, name: string): ToolContestant {
  const { daemon } = arena
  const server = new Worker('bare-server')
  const wholeMs: number[] = []
  let peakRss: number | undefined
  return {
    setting,
    wholeMs,
    async run(round) {
      if (setting.by === 'bare') return runBare(arena, setting, server)
      const topic = `${name}-${round}`
      const run = await (setting.tool === 'pub'
        ? runPub(arena, setting, topic)
        : runTail(arena, setting, topic))
      wholeMs.push(run.wholeMs)
      peakRss = Math.max(peakRss ?? 0, run.peakRss)
      await daemon.deleteTopic(topic)
      return run
    },
    peakRss: () => peakRss,
    async stop() {
      server.stop()
    },
  }
}

async function runPub(arena: Arena, setting: PubSetting, topic: string) {
  const { daemon, messages, folder } = arena
  await daemon.createTopic(topic, [])
  const stdin = setting.input === 'file' ? openSync(inputIn(folder), 'r') : openPipe(folder)
  const flags = [`--topic=${topic}`, addressOf(daemon)]
  try {
    return await watch(daemon, {
      ...commandOf(arena, setting, flags),
      stdin,
      stdout: 'ignore',
      messages,
      count: () => daemon.unfinished(topic),
      deadlineMs: deadlineFor(messages),
    })
  } finally {
    closeSync(stdin)
  }
}

async function runTail(arena: Arena, setting: TailSetting, topic: string) {
  const { daemon, publisher, messages, folder } = arena
  await daemon.createTopic(topic, [CHANNEL])
  const published = { batch: BATCH, bodyLength: TOOL_BODY_LENGTH }
  await publishBacklog(publisher, daemon.tcpPort, topic, messages, published)
  const path = join(folder, 'output')
  const stdout = openSync(path, 'w')
  const flags = [
    `--topic=${topic}`,
    `--channel=${CHANNEL}`,
    addressOf(daemon),
    `--max-in-flight=${setting.maxInFlight}`,
    '-n',
    String(messages),
  ]
  try {
    const run = await watch(daemon, {
      ...commandOf(arena, setting, flags),
      stdin: 'ignore',
      stdout,
      messages,
      count: async () => messages - (await daemon.unfinished(topic)),
      deadlineMs: deadlineFor(messages),
    })
    expectLines(path, messages)
    return run
  } finally {
    closeSync(stdout)
  }
}

/** In a process of its own each time, as a command is: what runs for the first time is slower. */
async function runBare(
  { messages, folder }: Arena,
  setting: ToolSetting,
  server: Worker<'bare-server'>,
): Promise<Sample> {
  const deadline = deadlineFor(messages)
  const tool = new Worker('bare-tool')
  try {
    if (setting.tool === 'pub') {
      const path = inputIn(folder)
      const commandLength = READ_LENGTH
      const { port } = await server.run({ kind: 'sink', commandLength, path: '', sync: false }, deadline)
      const job = { kind: 'pub' as const, port, path, commandLength, lineLength: LINE_LENGTH }
      return bareSample(await tool.run(job, deadline))
    }
    const { maxInFlight: ready } = setting
    const frameLength = TOOL_BODY_LENGTH + MESSAGE_OVERHEAD
    const { port } = await server.run({ kind: 'source', frameLength, ready, messages }, deadline)
    const path = join(folder, 'output')
    const job = { kind: 'tail' as const, port, path, messages, frameLength, lineLength: LINE_LENGTH, ready }
    return bareSample(await tool.run(job, deadline))
  } finally {
    tool.stop()
  }
}

function bareSample({ messages, seconds, total, cpuSeconds }: LoadResult): Sample {
  return { rate: messages / seconds, loadNs: (cpuSeconds / total) * 1e9 }
}

function commandOf({ officialBin, profile }: Arena, { tool, by }: ToolSetting, flags: readonly string[]) {
  if (by === 'official') {
    return { command: join(officialBin, tool === 'pub' ? 'to_nsq' : 'nsq_tail'), args: flags }
  }
  const node = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  return { command: process.execPath, args: [...node, OURS, tool, ...flags] }
}

function addressOf({ tcpPort }: Daemon): string {
  return `--nsqd-tcp-address=127.0.0.1:${tcpPort}`
}

function inputIn(folder: string): string {
  return join(folder, 'input')
}

/** The end of a pipe that `cat` writes the input to; a named one, as what Node makes between processes are sockets. */
function openPipe(folder: string): number {
  const path = join(folder, 'pipe')
  execFileSync('rm', ['-f', path])
  execFileSync('mkfifo', [path])
  const cat = spawn('sh', ['-c', 'exec cat "$0" > "$1"', inputIn(folder), path], { stdio: 'ignore' })
  cat.unref()
  return openSync(path, 'r')
}

function linesOf(messages: number): Buffer {
  const lines = Buffer.alloc(messages * LINE_LENGTH, NEWLINE)
  for (const [i, body] of createBodies(messages, TOOL_BODY_LENGTH).entries()) lines.set(body, i * LINE_LENGTH)
  return lines
}

function expectLines(path: string, messages: number): void {
  const bytes = readFileSync(path)
  let lines = 0
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines++
  if (lines === messages && bytes.length === messages * LINE_LENGTH) return
  throw new Error(`tail has written ${lines} lines and ${bytes.length} bytes of ${messages} messages`)
}
