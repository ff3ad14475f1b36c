import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { collectStats } from '../../src/nsqd/stats.ts'
import { StatsdMetrics } from '../../src/nsqd/statsd-metrics.ts'
import { LatencyQuantiles } from '../../src/util/quantile.ts'
import { channel, daemon, topic } from '../nsqd/sources.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { exported } from '../support/exported-metrics.ts'
import { readFamilies, type ShownFamily } from '../support/metrics.ts'
import { checkMetrics, promtoolMissing } from '../support/promtool.ts'
import { blocks, page, ROOT } from './markdown.ts'

const DAEMONS = ['nsqd', 'nsqlookupd', 'nsqadmin'] as const

const docs = page('docs/metrics.md')

async function families(): Promise<Map<string, ShownFamily>> {
  const texts = await Promise.all(DAEMONS.map(exported))
  return new Map(texts.flatMap(text => [...readFamilies(text)]))
}

/** Runs a check of promtool over this text. */
function promtool(what: 'rules' | 'config', text: string): void {
  const file = join(temporaryFolder(), `${what}.yml`)
  writeFileSync(file, text)
  const { status, stdout, stderr } = spawnSync('promtool', ['check', what, file], { encoding: 'utf8' })
  assert.equal(status, 0, `${stdout}${stderr}`)
}

describe('docs/metrics.md', () => {
  test('names what is exported, and nothing else', async () => {
    const rows = docs.text.matchAll(/^\| `(\w+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)
    const documented = Array.from(rows, ([, name = '', type = '', labels = '', help = '']) => ({
      name,
      type,
      labels: labels.trim() === '' ? [] : labels.replaceAll('`', '').split(', '),
      help,
    }))
    const known = [...(await families())].map(([name, { type, labels, help }]) => ({
      name,
      type,
      labels,
      help,
    }))
    assert.deepEqual(sorted(documented), sorted(known))
  })

  test('Prometheus takes what each daemon exports', { skip: promtoolMissing }, async () => {
    for (const name of DAEMONS) checkMetrics(await exported(name))
  })

  test('names what statsd gets', () => {
    const latency = new LatencyQuantiles(60_000)
    latency.insert(1, Date.now())
    const source = daemon([topic('T', [channel('C', { latency })])], {
      options: { e2eProcessingLatencyPercentile: [0.99] },
    })
    const stats = collectStats(source, { topic: '', channel: '', includeClients: false, includeMemory: true })
    const sent = Array.from(new StatsdMetrics('', false).lines(stats), line => line.replace(/:.*\n/, ''))
    const [, statsd = ''] = docs.text.split('\n## statsd\n')
    const documented = Array.from(statsd.matchAll(/^\| (`.*?) +\|/gm)).flatMap(([, cell = '']) => {
      const names = Array.from(cell.matchAll(/`([\w.]+)`/g), ([, name = '']) => name)
      const prefix = names[0]?.replace(/\w+$/, '') ?? ''
      return names.map((name, i) => (i === 0 ? name : prefix + name))
    })
    const isShown = (name: string): boolean => documented.includes(name) || name.startsWith('mem.')
    assert.deepEqual(
      sent.filter(name => !isShown(name)),
      [],
    )
    assert.deepEqual(
      documented.filter(name => !sent.includes(name)),
      [],
    )
  })

  test('its Prometheus configuration and rules are taken', { skip: promtoolMissing }, () => {
    const [config, rules] = blocks(docs).filter(({ language }) => language === 'yaml')
    promtool('config', config?.text ?? '')
    promtool('rules', rules?.text ?? '')
  })

  test('its rules name what is exported', async () => {
    const known = await families()
    const rules = blocks(docs).find(({ text }) => text.includes('alert:'))
    checkNames(rules?.text ?? '', known)
  })
})

interface Panel {
  id: number
  type: string
  title: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string; refId: string; legendFormat: string }[]
}

interface Dashboard {
  title: string
  panels: Panel[]
  templating: { list: { name: string; type: string; query: string | { query: string } }[] }
}

function readDashboard(): Dashboard {
  const text = readFileSync(new URL('docs/grafana/nsq.json', ROOT), 'utf8')
  const value: unknown = JSON.parse(text)
  assert.ok(isDashboard(value))
  return value
}

/** As far as it must be one for the tests to fail where it is none. */
function isDashboard(value: unknown): value is Dashboard {
  return typeof value === 'object' && value !== null && 'panels' in value && 'templating' in value
}

describe('docs/grafana/nsq.json', () => {
  const dashboard = readDashboard()
  const targets = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(target => ({ ...target, title })),
  )

  test('names what is exported', async () => {
    const known = await families()
    assert.ok(targets.length > 20)
    for (const { expr } of targets) checkNames(expr, known)
    for (const { query } of dashboard.templating.list) {
      if (typeof query !== 'string') checkNames(query.query, known)
    }
  })

  test('its queries are PromQL', { skip: promtoolMissing }, () => {
    const rules = targets.map(({ expr }, i) => {
      const plain = expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$\w+/g, 'x')
      return `      - record: rule_${i}\n        expr: ${JSON.stringify(plain)}\n`
    })
    promtool('rules', `groups:\n  - name: dashboard\n    rules:\n${rules.join('')}`)
  })

  test('its variables are those that it uses', () => {
    const defined = dashboard.templating.list.map(({ name }) => name)
    const text = JSON.stringify(dashboard)
    const used = new Set(Array.from(text.matchAll(/\$\{?([a-z]\w*)/g), ([, name = '']) => name))
    assert.deepEqual([...used].sort(), [...defined].sort())
    const labels = targets.flatMap(({ expr, legendFormat }) =>
      Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label = '']) => ({ label, expr })),
    )
    for (const { label, expr } of labels) assert.ok(expr.includes(label), `${label} of ${expr}`)
  })

  test('its panels lie beside each other', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    const taken = new Map<string, string>()
    for (const { title, gridPos } of dashboard.panels) {
      const { x, y, w, h } = gridPos
      assert.ok(x >= 0 && x + w <= 24 && h > 0, title)
      for (let i = x; i < x + w; i++) {
        for (let j = y; j < y + h; j++) {
          const at = `${i}/${j}`
          assert.equal(taken.get(at), undefined, `${title} lies on ${taken.get(at) ?? ''}`)
          taken.set(at, title)
        }
      }
    }
  })
})

const PROMETHEUS_LABELS = new Set(['job', 'instance', '__name__'])

/** Fails when a query names a metric that no daemon exports, or a label that it does not have. */
function checkNames(query: string, known: ReadonlyMap<string, ShownFamily>): void {
  const named = Array.from(
    query.matchAll(/\b(?:nsqd|nsqlookupd|nsqadmin|process|nodejs)_\w+/g),
    ([name]) => name,
  )
  assert.ok(named.length > 0 || !query.includes('_'), query)
  for (const name of named) assert.ok(known.has(name), `${name} in ${query}`)
  const labels = new Set(named.flatMap(name => known.get(name)?.labels ?? []))
  const matched = Array.from(query.matchAll(/(\w+)(?:=~|!=|!~|=)"/g), ([, label = '']) => label)
  const grouped = Array.from(query.matchAll(/\bby \(([\w, ]+)\)/g)).flatMap(([, list = '']) =>
    list.split(', '),
  )
  for (const label of [...matched, ...grouped]) {
    assert.ok(labels.has(label) || PROMETHEUS_LABELS.has(label), `${label} in ${query}`)
  }
}

function sorted<T extends { name: string }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
