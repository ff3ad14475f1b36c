import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Logger, LogLevel, parseLevel } from '../../src/util/logger.ts'

function recorder(level: number): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  return { lines, logger: new Logger({ prefix: '[nsqd] ', level, write: line => lines.push(line) }) }
}

test('writes the official line format', () => {
  const { logger, lines } = recorder(LogLevel.debug)
  logger.debug('a')
  logger.info('b')
  logger.warn('c')
  logger.error('d')
  logger.fatal('e')
  const shape =
    /^\[nsqd\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} (DEBUG: a|INFO: b|WARNING: c|ERROR: d|FATAL: e)\n$/
  assert.equal(lines.length, 5)
  for (const line of lines) assert.match(line, shape)
})

test('leaves out what is below its level, which can change', () => {
  const { logger, lines } = recorder(LogLevel.warning)
  logger.debug(() => assert.fail('a text below the level is not made'))
  logger.info('no')
  logger.warn('yes')
  assert.equal(lines.length, 1)
  logger.level = LogLevel.debug
  logger.debug(() => 'made')
  assert.match(lines[1] ?? '', /DEBUG: made\n$/)
})

test('a text cannot forge a line or send terminal codes', () => {
  const { logger, lines } = recorder(LogLevel.info)
  logger.info('a\nb\r\tc\u001B[31m\u009Bé')
  assert.match(lines[0] ?? '', /INFO: a\\nb\\r\\tc\\x1b\[31m\\x9bé\n$/)
})

test('levels by name', () => {
  assert.equal(parseLevel('DEBUG'), 1)
  assert.equal(parseLevel('info'), 2)
  assert.equal(parseLevel('Warn'), 3)
  assert.equal(parseLevel('warning'), 3)
  assert.equal(parseLevel('error'), 4)
  assert.equal(parseLevel('fatal'), 5)
  assert.equal(parseLevel('loud'), undefined)
  assert.equal(parseLevel(''), undefined)
})

test('nothing that hides, ends lines or turns text around gets into a log', () => {
  const lines: string[] = []
  const logger = new Logger({ prefix: '', level: LogLevel.info, write: line => lines.push(line) })
  logger.info('a\u2028b\u2029c\u0085d\u202ee\u2066f\u200bg\ufeffh\ud800i\u{e0041}j\u{1f600}')
  const shown =
    'a\\u{2028}b\\u{2029}c\\x85d\\u{202e}e\\u{2066}f\\u{200b}g\\u{feff}h\\u{d800}i\\u{e0041}j\u{1f600}'
  assert.ok(lines[0]?.endsWith(` INFO: ${shown}\n`), lines[0])
})

test('words of every script, and emoji, stay as they are', () => {
  const lines: string[] = []
  const logger = new Logger({ prefix: '', level: LogLevel.info, write: line => lines.push(line) })
  // Joined and not joined letters, a number sign of Arabic, a family of one character on the screen.
  const words = 'می\u200cخواهم क्\u200dष \u0600١٢ é 名前 👨\u200d👩\u200d👧 ❤\ufe0f'
  logger.info(words)
  assert.ok(lines[0]?.endsWith(` INFO: ${words}\n`), lines[0])
})
