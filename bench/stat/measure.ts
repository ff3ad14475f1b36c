import { loadPainter } from '../../src/cli/colour.ts'
import { drawFrame, type Scene } from '../../src/cli/stat/frame.ts'
import { glyphsFor } from '../../src/cli/stat/glyphs.ts'
import { Observer } from '../../src/cli/stat/observer.ts'
import { select } from '../../src/cli/stat/selection.ts'
import { loadTable } from '../../src/cli/stat/table.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import { request } from '../../src/http/request.ts'
import { LargeCluster } from '../../test/support/large-cluster.ts'
import { median } from '../measure.ts'
import { cpuSecondsOf } from '../proc.ts'
import { scratchFolder } from '../scratch.ts'
import type { StatLine } from './lines.ts'

/** Milliseconds that a refresh has taken, and its parts. */
export interface StatSample {
  readonly refresh: number
  /** Until all nsqds have answered, the bytes of their answers unread. */
  readonly answering: number
  /** JSON into values that are checked: what is left of asking without the answering. */
  readonly reading: number
  /** Sums, rates, trends. */
  readonly reporting: number
  readonly drawing: number
  /** Processor time of an nsqd. */
  readonly nsqdCpu: number
}

export interface StatResult {
  readonly line: StatLine
  /** Bytes of an nsqd's answer. */
  readonly answerBytes: number
  readonly median: StatSample
  readonly rounds: readonly StatSample[]
}

const SCREEN = { columns: 120, rows: 50 }

/** Refreshes the live table over a cluster, so many times after a first one that is left out. */
export async function measureStat(
  line: StatLine,
  { rounds }: { readonly rounds: number },
): Promise<StatResult> {
  const scratch = scratchFolder()
  const cluster = await LargeCluster.start(scratch.path, line)
  const kill = (): void => void cluster.stop()
  process.prependOnceListener('exit', kill)
  try {
    await cluster.publish(10)
    const refresh = await refresher(cluster)
    await refresh()
    const samples: StatSample[] = []
    let answerBytes = 0
    for (let round = 0; round < rounds; round++) {
      const before = cpuSeconds(cluster)
      const started = performance.now()
      const answers = await Promise.all(
        cluster.nsqdAddresses.map(address =>
          request('GET', `http://${address}/stats?format=json&include_clients=false&include_mem=false`),
        ),
      )
      const answering = performance.now() - started
      answerBytes = answers[0]?.body.length ?? 0
      const nsqdCpu = ((cpuSeconds(cluster) - before) * 1000) / line.nsqds
      const { asking, reporting, drawing } = await refresh()
      samples.push({
        refresh: asking + reporting + drawing,
        answering,
        reading: Math.max(0, asking - answering),
        reporting,
        drawing,
        nsqdCpu,
      })
    }
    return { line, answerBytes, median: medianOf(samples), rounds: samples }
  } finally {
    process.off('exit', kill)
    await cluster.stop()
    scratch.remove()
  }
}

type Parts = Record<'asking' | 'reporting' | 'drawing', number>

/** What the live table does for each report, but for the terminal. */
async function refresher({ lookupdAddress }: LargeCluster): Promise<() => Promise<Parts>> {
  const cluster = new Cluster({ lookupds: [lookupdAddress], nsqds: [] })
  const observer = new Observer(select([], []))
  const fixed: Omit<Scene, 'report'> = {
    failure: undefined,
    view: { sort: 'depth', filter: '', isTyping: false, isPaused: false, top: 0 },
    minDepth: 0,
    intervalMs: 2000,
    isOver: false,
    style: {
      painter: await loadPainter(1),
      glyphs: glyphsFor({ LANG: 'C.UTF-8' }),
      thresholds: { warn: undefined, critical: undefined },
      isPlain: false,
    },
    widths: new Map(),
    drawTable: await loadTable(),
  }
  return async () => {
    const started = performance.now()
    const answers = await cluster.look()
    const asked = performance.now()
    const report = observer.observe(answers)
    const reported = performance.now()
    drawFrame({ ...fixed, report }, SCREEN)
    const drawn = performance.now()
    return { asking: asked - started, reporting: reported - asked, drawing: drawn - reported }
  }
}

function cpuSeconds({ nsqds }: LargeCluster): number {
  return nsqds.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0)
}

function medianOf(samples: readonly StatSample[]): StatSample {
  const of = (part: keyof StatSample): number => median(samples.map(sample => sample[part]))
  return {
    refresh: of('refresh'),
    answering: of('answering'),
    reading: of('reading'),
    reporting: of('reporting'),
    drawing: of('drawing'),
    nsqdCpu: of('nsqdCpu'),
  }
}
