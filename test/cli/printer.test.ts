import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type PrintedMessage, Printer } from '../../src/cli/tail/printer.ts'

/** Messages that note what is done with them. */
function messages(count: number, notes: string[]): PrintedMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    topic: 't',
    id: String(i),
    timestamp: 0n,
    attempts: 1,
    nsqd: '127.0.0.1:4150',
    body: Buffer.from(String(i)),
    finish: () => notes.push(`finish ${i}`) > 0,
    requeue: (delayMs, { backoff }) => notes.push(`requeue ${i} ${delayMs} ${backoff}`) > 0,
  }))
}

interface Setup {
  printer: Printer
  notes: string[]
  /** Answers the oldest write that waits. */
  answer: (isWritten: boolean) => Promise<void>
}

function setUp(limit: number): Setup {
  const notes: string[] = []
  const writes: ((isWritten: boolean) => void)[] = []
  const printer = new Printer({
    limit,
    format: ({ body }, out) => out.push(body),
    write: bytes => {
      notes.push(`write ${bytes.toString()}`)
      return new Promise(resolve => writes.push(resolve))
    },
  })
  const answer = async (isWritten: boolean): Promise<void> => {
    while (writes.length === 0) await new Promise(resolve => setImmediate(resolve))
    writes.shift()?.(isWritten)
  }
  return { printer, notes, answer }
}

describe('Printer', () => {
  test('writes the messages of a turn together, and finishes them when they have left', async () => {
    const { printer, notes, answer } = setUp(Number.POSITIVE_INFINITY)
    const [a, b, c] = messages(3, notes)
    for (const message of [a, b]) if (message !== undefined) printer.print(message)
    await new Promise(resolve => setImmediate(resolve))
    if (c !== undefined) printer.print(c)
    await answer(true)
    await answer(true)
    await printer.flushed()
    assert.deepEqual(notes, ['write 01', 'finish 0', 'finish 1', 'write 2', 'finish 2'])
    assert.equal(printer.printed, 3)
  })

  test('is done at the limit, and gives back what comes after', async () => {
    const { printer, notes, answer } = setUp(2)
    for (const message of messages(3, notes)) printer.print(message)
    await answer(true)
    await printer.done
    assert.deepEqual(notes, ['requeue 2 0 false', 'write 01', 'finish 0', 'finish 1'])
  })

  test('gives back what could not be written, and is done', async () => {
    const { printer, notes, answer } = setUp(Number.POSITIVE_INFINITY)
    for (const message of messages(2, notes)) printer.print(message)
    await answer(false)
    await printer.done
    assert.deepEqual(notes, ['write 01', 'requeue 0 0 false', 'requeue 1 0 false'])
    assert.equal(printer.printed, 0)
  })
})
