import { PassThrough } from 'node:stream'
import type { Answers } from '../../../src/cluster/answers.ts'
import type { Look } from '../../../src/cluster/cluster.ts'
import type { ClusterNode } from '../../../src/cluster/node.ts'
import type { ChannelStats, NsqdStats, TopicStats } from '../../../src/cluster/stats.ts'
import { loadPainter } from '../../../src/cli/colour.ts'
import type { CellStyle } from '../../../src/cli/stat/columns.ts'
import { glyphsFor } from '../../../src/cli/stat/glyphs.ts'
import { Observer } from '../../../src/cli/stat/observer.ts'
import type { Report } from '../../../src/cli/stat/report.ts'
import { select } from '../../../src/cli/stat/selection.ts'
import type { NsqError } from '../../../src/util/errors.ts'

export function channel(name: string, numbers: Partial<ChannelStats> = {}): ChannelStats {
  return {
    name,
    depth: 0,
    backendDepth: 0,
    inFlight: 0,
    deferred: 0,
    messages: 0,
    requeued: 0,
    timedOut: 0,
    zoneLocal: 0,
    regionLocal: 0,
    global: 0,
    clientCount: 0,
    clients: [],
    paused: false,
    latency: undefined,
    ...numbers,
  }
}

export function topic(
  name: string,
  channels: ChannelStats[],
  numbers: Partial<Omit<TopicStats, 'name' | 'channels'>> = {},
): TopicStats {
  return {
    name,
    depth: 0,
    backendDepth: 0,
    messages: 0,
    messageBytes: 0,
    paused: false,
    latency: undefined,
    ...numbers,
    channels,
  }
}

/** Of two nsqds, the second of which does not drop anything: a topic that has lost messages, a channel that nobody reads. */
export function losing(): NsqdStats[] {
  return [
    nsqd('a', 1, [
      topic('t', [channel('lost', { dropped: 5, expired: 4, orphaned: true, depth: 3 }), channel('well')], {
        refused: 7,
        dropped: 1,
      }),
    ]),
    nsqd('b', 1, [topic('t', [channel('lost'), channel('well')])]),
  ]
}

/** What an nsqd answers, at this time in seconds. */
export function nsqd(node: string, at: number, topics: TopicStats[], startTime = 0): NsqdStats {
  return {
    node,
    hostname: 'host',
    version: '1.3.0',
    health: 'OK',
    startTime,
    answeredAt: at * 1000,
    topics,
    producers: [],
  }
}

export function look(stats: NsqdStats[], warnings: NsqError[] = [], silent: string[] = []): Answers<Look> {
  const nodes = [...stats.map(({ node }) => node), ...silent].map((node): ClusterNode => ({
    node,
    tcpAddress: '',
    hostname: 'host',
    broadcastAddress: '',
    tcpPort: 0,
    httpPort: 0,
    version: '1.3.0',
    lookupds: [],
    remoteAddresses: [],
    topics: [],
    topologyZone: '',
    topologyRegion: '',
    ...(silent.includes(node) && warnings[0] !== undefined ? { error: warnings[0] } : {}),
  }))
  return { value: { nodes, stats }, warnings }
}

/** The report of the last of these looks. */
export function report(...looks: NsqdStats[][]): Report {
  const observer = new Observer(select([], []))
  const reports = looks.map(stats => observer.observe(look(stats), new Date(0)))
  const last = reports.at(-1)
  if (last === undefined) throw new Error('no look')
  return last
}

export async function style(given: Partial<CellStyle> = {}): Promise<CellStyle> {
  return {
    painter: await loadPainter(0),
    glyphs: glyphsFor({ LANG: 'C.UTF-8' }, 'linux'),
    thresholds: { warn: undefined, critical: undefined },
    isPlain: false,
    ...given,
  }
}

/** A stream that a command takes for a terminal. */
export class FakeTerminal extends PassThrough {
  readonly isTTY = true
  columns: number
  rows: number
  isRaw = false
  #written = ''

  constructor(columns: number, rows: number) {
    super()
    this.columns = columns
    this.rows = rows
  }

  /** Takes what a command writes. */
  capture(): this {
    this.on('data', (chunk: Buffer) => (this.#written += chunk.toString()))
    return this
  }

  get written(): string {
    return this.#written
  }

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw
  }

  resize(columns: number, rows: number): void {
    this.columns = columns
    this.rows = rows
    this.emit('resize')
  }

  /** What is to be seen on it, as far as the few codes go that we write. */
  get screen(): string[] {
    let lines: string[] = []
    let row = 0
    for (const part of this.#written.split('\x1b[').slice(1)) {
      const [, parameters = '', code = '', text = ''] = /^([\d;?]*)([A-Za-z])([^]*)$/.exec(part) ?? []
      if (code === 'H') row = Number(parameters.split(';')[0]) - 1
      if (code === 'J') lines = parameters === '2' ? [] : lines.slice(0, row)
      if (code === 'K') lines[row] = ''
      if (text !== '' && code !== 'l') lines[row] = (lines[row] ?? '') + text
    }
    return lines.map(line => line.trimEnd())
  }
}
