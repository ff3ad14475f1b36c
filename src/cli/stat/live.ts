import { loadPainter } from '../colour.ts'
import type { Context } from '../command.ts'
import type { StatOptions } from '../commands/stat.ts'
import { drawFrame, type Frame, type Scene } from './frame.ts'
import { glyphsFor } from './glyphs.ts'
import type { Looks, Outcome } from './looks.ts'
import type { Report } from './report.ts'
import { Screen } from './screen.ts'
import type { StatSettings } from './settings.ts'
import { loadTable } from './table.ts'
import { type Key, pressed } from './view.ts'

/** The last look, and whether there were as many as wanted. */
export interface Watched {
  readonly last: Outcome
  readonly hasEnded: boolean
}

/** The table on a screen of its own, until a key or a signal ends it, or there were enough reports. */
export async function runLive(
  context: Context<StatOptions>,
  settings: StatSettings,
  looks: Looks,
  first: Report,
): Promise<Watched> {
  const live = new Live(context, settings, looks, await firstScene(context, settings, first))
  return live.run(context.signal)
}

async function firstScene(
  { options, env, stdout }: Context<StatOptions>,
  { thresholds, intervalMs }: StatSettings,
  report: Report,
): Promise<Scene> {
  return {
    report,
    failure: undefined,
    view: { sort: options.sort, filter: '', isTyping: false, isPaused: false, top: 0 },
    minDepth: options.minDepth,
    intervalMs,
    isOver: false,
    style: {
      painter: await loadPainter(stdout.colour),
      glyphs: glyphsFor(env),
      thresholds,
      isPlain: false,
    },
    widths: new Map(),
    drawTable: await loadTable(),
  }
}

class Live {
  readonly #settings: StatSettings
  readonly #looks: Looks
  readonly #stdout: Context['stdout']
  readonly #screen: Screen
  readonly #stop = new AbortController()
  /** Aborted when the next look is not to be waited for any longer. */
  #waiting = new AbortController()
  #scene: Scene
  #frame: Frame = { lines: [], page: 1, rows: 0 }

  constructor({ stdout, stdin }: Context<StatOptions>, settings: StatSettings, looks: Looks, scene: Scene) {
    this.#settings = settings
    this.#looks = looks
    this.#stdout = stdout
    this.#scene = scene
    this.#screen = new Screen(stdout, stdin, { key: key => this.#press(key), resized: () => this.#draw() })
  }

  async run(signal: AbortSignal): Promise<Watched> {
    const end = (): void => this.#end()
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    this.#screen.enter()
    let watched: Watched
    try {
      this.#draw()
      watched = await this.#watch()
    } finally {
      signal.removeEventListener('abort', end)
      this.#screen.leave()
    }
    // What was seen last stays to be read.
    const { lines } = drawFrame({ ...this.#scene, isOver: true }, this.#screen.size)
    for (const line of lines) this.#stdout.line(line.trimEnd())
    return watched
  }

  async #watch(): Promise<Watched> {
    const { count, intervalMs } = this.#settings
    const { signal } = this.#stop
    let last: Outcome = { report: this.#scene.report }
    for (let made = 0; made < count;) {
      const { isPaused } = this.#scene.view
      this.#waiting = new AbortController()
      if (!signal.aborted) await this.#looks.due(isPaused ? Infinity : intervalMs, this.#waiting.signal)
      if (signal.aborted) return { last, hasEnded: false }
      // A pause began, or is over: the time since the last look counts then.
      if (this.#scene.view.isPaused || isPaused) continue
      const outcome = await this.#looks.attempt(signal)
      // What was given up says nothing.
      if (signal.aborted) return { last, hasEnded: false }
      last = outcome
      made++
      this.#scene =
        'report' in last
          ? { ...this.#scene, report: last.report, failure: undefined }
          : { ...this.#scene, failure: last.error }
      this.#draw()
    }
    return { last, hasEnded: true }
  }

  #press(key: Key): void {
    const { view } = this.#scene
    const next = pressed(view, key, this.#frame.page, this.#frame.rows)
    if (next === undefined) {
      this.#end()
      return
    }
    this.#scene = { ...this.#scene, view: next }
    if (next.isPaused !== view.isPaused) this.#waiting.abort()
    this.#draw()
  }

  #draw(): void {
    if (this.#stop.signal.aborted) return
    this.#frame = drawFrame(this.#scene, this.#screen.size)
    this.#screen.draw(this.#frame.lines)
  }

  #end(): void {
    this.#stop.abort()
    this.#waiting.abort()
  }
}
