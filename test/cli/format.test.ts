import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPainter } from '../../src/cli/colour.ts'
import { UsageError } from '../../src/cli/errors.ts'
import type { MessageRecord } from '../../src/archive/jsonl.ts'
import { type Format, templateFormat, textFormat } from '../../src/cli/tail/format.ts'

const message: MessageRecord = {
  topic: 'logs',
  id: '0123456789abcdef',
  timestamp: 1_767_366_245_000_000_007n,
  attempts: 2,
  nsqd: '127.0.0.1:4150',
  body: Buffer.from('a\x1bb\xff', 'latin1'),
}

function render(format: Format): Buffer {
  const out: Buffer[] = []
  format(message, out)
  return Buffer.concat(out)
}

describe('textFormat', () => {
  const painter = loadPainter(0)
  const options = { printTopic: false, timestamps: false, forTerminal: false }

  test('is the body and a newline, byte for byte', async () => {
    const bytes = render(textFormat({ ...options, painter: await painter }))
    assert.deepEqual(bytes, Buffer.from('a\x1bb\xff\n', 'latin1'))
  })

  test('puts the time and the topic first, as nsq_tail does', async () => {
    const format = textFormat({ ...options, printTopic: true, timestamps: true, painter: await painter })
    assert.equal(render(format).toString('latin1'), '2026-01-02T15:04:05.000000007Z | logs | a\x1bb\xff\n')
  })

  test('escapes control characters for a terminal', async () => {
    const format = textFormat({ ...options, forTerminal: true, painter: await painter })
    assert.equal(render(format).toString(), 'a\\x1bb\\xff\n')
  })
})

describe('templateFormat', () => {
  const cases: [template: string, text: string][] = [
    ['{topic}:{id}', 'logs:0123456789abcdef'],
    ['{timestamp}\\t{nanoseconds}', '2026-01-02T15:04:05.000000007Z\t1767366245000000007'],
    ['{attempts} {nsqd} {size} {base64}', '2 127.0.0.1:4150 4 YRti/w=='],
    ['{body}', 'a\x1bb\xff'],
    ['{{topic} }\\\\', '{topic} }\\'],
    ['', ''],
  ]
  for (const [template, text] of cases) {
    test(template, () => {
      assert.equal(render(templateFormat(template, false)).toString('latin1'), `${text}\n`)
    })
  }

  test('escapes bodies for a terminal', () => {
    assert.equal(render(templateFormat('{body}', true)).toString(), 'a\\x1bb\\xff\n')
  })

  test('suggests the placeholder that was meant', () => {
    assert.throws(
      () => templateFormat('{topik}', false),
      (error: unknown) => error instanceof UsageError && error.remedy === 'Did you mean {topic}?',
    )
    assert.throws(() => templateFormat('\\q', false), UsageError)
  })
})
