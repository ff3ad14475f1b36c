import type { Painter } from '../colour.ts'
import { loadPainter } from '../colour.ts'
import type { Context } from '../command.ts'
import { oneLine } from '../escape.ts'
import { wrap } from '../help.ts'
import { glyphsFor } from '../stat/glyphs.ts'
import { plural } from '../units.ts'
import { CLUSTER, CONFIGURATION, type Finding, MACHINE, type Status } from './finding.ts'
import { groupBy } from './group.ts'

/** What is narrower than this breaks lines as it likes. */
const NARROWEST = 24
const WIDEST = 110

interface Style {
  readonly painter: Painter
  readonly marks: Readonly<Record<Status, string>>
  readonly width: number
}

const UNICODE: Style['marks'] = { ok: '✔', warn: '!', fail: '✖', skip: '-' }
const ASCII: Style['marks'] = { ok: '+', warn: '!', fail: 'x', skip: '-' }

/** Prints what was found by what it is about: what is fine in a line, and the rest with what to do. */
export async function printFindings(
  { stdout, env }: Pick<Context, 'stdout' | 'env'>,
  findings: readonly Finding[],
): Promise<void> {
  const style: Style = {
    painter: await loadPainter(stdout.colour),
    marks: glyphsFor(env).ellipsis === '…' ? UNICODE : ASCII,
    width: Math.max(NARROWEST, Math.min(stdout.columns ?? WIDEST, WIDEST)),
  }
  const groups = [...groupBy(findings, ({ target }) => target)].sort(
    ([a], [b]) => rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true }),
  )
  const lines = groups.flatMap(([target, group]) => section(target, group, style))
  await stdout.write(`${[...lines, summary(findings, style)].join('\n')}\n`)
}

function rank(target: string): number {
  const order = [CONFIGURATION, MACHINE, 'nsqlookupd', 'nsqd', CLUSTER]
  return order.findIndex(word => target.startsWith(word))
}

function section(target: string, group: readonly Finding[], style: Style): string[] {
  const { painter, marks } = style
  const worst = worstOf(group)
  const isDaemon = target.startsWith('nsqd ') || target.startsWith('nsqlookupd ')
  const version = group.find(({ check, status }) => check === 'version' && status === 'ok')?.message
  const head = `${paint(worst, marks[worst], painter)} ${painter.bold(oneLine(target))}`
  const named = isDaemon && version !== undefined ? `${head}  ${painter.dim(oneLine(version))}` : head
  const troubles = group.filter(({ status }) => status === 'warn' || status === 'fail')
  const fine = group.filter(({ status }) => status === 'ok')
  const skipped = group.filter(({ status }) => status === 'skip')
  return [
    named,
    ...troubles.flatMap(finding => trouble(finding, style)),
    // What a daemon's checks say when all is well matters less than that all is well.
    ...(isDaemon ? checksLine(fine, style) : fine.flatMap(finding => plainLine(finding, style))),
    ...skipped.flatMap(finding => plainLine(finding, style)),
  ]
}

function trouble(
  { check, status, message, remedy = '' }: Finding,
  { painter, marks, width }: Style,
): string[] {
  const indent = '    '
  const text = wrap(`${check}: ${oneLine(message)}`, width - indent.length - 2)
  const advice = wrap(oneLine(remedy), width - indent.length - 2)
  return [
    ...text.map((line, index) => `  ${index === 0 ? paint(status, marks[status], painter) : ' '} ${line}`),
    ...advice.map(line => `${indent}${painter.cyan(line)}`),
  ]
}

function plainLine({ status, message }: Finding, { painter, marks, width }: Style): string[] {
  return wrap(oneLine(message), width - 4).map(
    (line, index) => `  ${index === 0 ? paint(status, marks[status], painter) : ' '} ${painter.dim(line)}`,
  )
}

function checksLine(fine: readonly Finding[], { painter, marks, width }: Style): string[] {
  const ids = [...new Set(fine.map(({ check }) => check))]
  if (ids.length === 0) return []
  return wrap(ids.join(', '), width - 4).map(
    (line, index) => `  ${index === 0 ? paint('ok', marks.ok, painter) : ' '} ${painter.dim(line)}`,
  )
}

function summary(findings: readonly Finding[], { painter }: Style): string {
  const count = (wanted: Status): number => findings.filter(({ status }) => status === wanted).length
  const [failed, warned] = [count('fail'), count('warn')]
  const parts = [
    ...(failed === 0 ? [] : [painter.red(plural(failed, 'problem'))]),
    ...(warned === 0 ? [] : [painter.yellow(plural(warned, 'warning'))]),
  ]
  return parts.length === 0 ? painter.green('Nothing is wrong.') : `${parts.join(' and ')}.`
}

function worstOf(group: readonly Finding[]): Status {
  const has = (wanted: Status): boolean => group.some(({ status }) => status === wanted)
  return has('fail') ? 'fail' : has('warn') ? 'warn' : has('ok') ? 'ok' : 'skip'
}

function paint(status: Status, text: string, { red, yellow, green, dim }: Painter): string {
  return { ok: green, warn: yellow, fail: red, skip: dim }[status](text)
}
