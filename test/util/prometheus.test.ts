import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { labelText, metricsFormat, MetricsWriter } from '../../src/util/prometheus.ts'
import { checkMetrics, checkOpenMetrics, promtoolMissing } from '../support/promtool.ts'

const NASTY = 'a"b\\c\nd\u2028é{}'

function written(writer: MetricsWriter): string {
  writer.begin({ name: 'x_build_info', type: 'info', help: 'What "it" is:\na \\ and more.' })
  writer.sample(1, labelText({ version: NASTY }))
  writer.begin({ name: 'x_left_out', type: 'gauge', help: 'Nothing to say.' })
  writer.single({ name: 'x_done_total', type: 'counter', help: 'Things done.' }, 3)
  writer.begin({ name: 'x_depth', type: 'gauge', help: 'How deep.' })
  writer.sample(-0.5, labelText({ topic: 'a', channel: 'b' }))
  writer.sample(Infinity, labelText({ topic: 'a', channel: 'c' }))
  writer.sample(Number.NaN, labelText({ topic: '', channel: 'd' }))
  writer.begin({ name: 'x_time_seconds', type: 'summary', help: 'How long.' })
  writer.sample(1e-9, labelText({ quantile: '0.5' }))
  return writer.finish()
}

describe('MetricsWriter', () => {
  test("writes Prometheus' text format", () => {
    const writer = new MetricsWriter()
    assert.equal(
      written(writer),
      String.raw`# HELP x_build_info What "it" is:\na \\ and more.
# TYPE x_build_info gauge
x_build_info{version="a\"b\\c\nd${'\u2028'}é{}"} 1
# HELP x_done_total Things done.
# TYPE x_done_total counter
x_done_total 3
# HELP x_depth How deep.
# TYPE x_depth gauge
x_depth{topic="a",channel="b"} -0.5
x_depth{topic="a",channel="c"} +Inf
x_depth{topic="",channel="d"} NaN
# HELP x_time_seconds How long.
# TYPE x_time_seconds summary
x_time_seconds{quantile="0.5"} 1e-9
`,
    )
    assert.equal(writer.contentType, 'text/plain; version=0.0.4; charset=utf-8')
  })

  test('writes OpenMetrics', () => {
    const writer = new MetricsWriter('openmetrics')
    const lines = written(writer).split('\n')
    assert.deepEqual(lines.slice(0, 2), [
      String.raw`# HELP x_build What \"it\" is:\na \\ and more.`,
      '# TYPE x_build info',
    ])
    assert.deepEqual(lines.slice(3, 6), [
      '# HELP x_done Things done.',
      '# TYPE x_done counter',
      'x_done_total 3',
    ])
    assert.deepEqual(lines.slice(-2), ['# EOF', ''])
    assert.equal(writer.contentType, 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  })

  test('Prometheus takes both', { skip: promtoolMissing }, () => {
    checkMetrics(written(new MetricsWriter()))
    checkOpenMetrics(written(new MetricsWriter('openmetrics')))
  })
})

test('metricsFormat is OpenMetrics for those who name it', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,' +
    'text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  for (const accept of [
    prometheus,
    'application/openmetrics-text',
    'text/plain, APPLICATION/OpenMetrics-Text;q=0.5',
  ]) {
    assert.equal(metricsFormat(accept), 'openmetrics', accept)
  }
  const others = [
    undefined,
    '',
    '*/*',
    'text/plain',
    'application/openmetrics-text;q=0, text/plain',
    'text/html;q=0.9',
  ]
  for (const accept of [...others, 'application/openmetrics-text; version=1.0.0; q=0.0']) {
    assert.equal(metricsFormat(accept), 'text', accept)
  }
})
