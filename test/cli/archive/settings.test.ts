import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { type ArchiveSettings, archiveSettings } from '../../../src/cli/archive/settings.ts'
import { archiveOptions } from '../../../src/cli/commands/archive.ts'
import { normalizeFlags } from '../../../src/cli/flags.ts'
import { parseArguments } from '../../../src/cli/parser.ts'
import { LogLevel } from '../../../src/util/logger.ts'
import { resolveOptions } from '../../../src/util/option-values.ts'

async function settings(args: readonly string[], program = 'nsq-ts archive'): Promise<ArchiveSettings> {
  const { given } = await parseArguments(normalizeFlags(args, archiveOptions), archiveOptions)
  return archiveSettings({ program, options: resolveOptions(archiveOptions, given, {}) })
}

describe('archiveSettings', () => {
  test('by our name, and by the official one', async () => {
    const ours = await settings([])
    assert.deepEqual(ours.place, { kind: 'in place', path: process.cwd() })
    assert.equal(ours.maxInFlight, 2500)
    assert.equal(ours.logLevel, LogLevel.warning)
    const official = await settings([], 'nsq_to_file')
    assert.deepEqual(official.place, { kind: 'in place', path: '/tmp' })
    assert.equal(official.maxInFlight, 200)
    assert.equal(official.logLevel, LogLevel.info)
    assert.equal(official.logPrefix, '[nsq_to_file] ')
    assert.equal(official.channel, 'nsq_to_file')
    assert.equal(official.keepsEmptyFiles, true)
    assert.equal(official.hasEnd, false)
    assert.match(
      official.names('t').template(0, 0),
      new RegExp(`^t\\.${hostname().split('.')[0]}\\.19(69|70)-\\d\\d-\\d\\d_\\d\\d\\.log$`),
    )
  })

  test('a work folder that is the output is none', async () => {
    const folder = await settings(['-output-dir', 'out', '-work-dir=work'])
    assert.deepEqual(folder.place, { kind: 'folder', path: resolve('out'), workPath: resolve('work') })
    const same = await settings(['--output-dir', 'out', '--work-dir', join(process.cwd(), 'out/')])
    assert.deepEqual(same.place, { kind: 'in place', path: resolve('out') })
  })

  test('with S3, messages are finished when they are uploaded, or in a spool of the user', async () => {
    const direct = await settings(['--output', 's3://bucket/a/b', '--s3-endpoint', 'http://127.0.0.1:9000'])
    const place = { kind: 's3', url: 's3://bucket/a/b', endpoint: 'http://127.0.0.1:9000' }
    assert.deepEqual(direct.place, { ...place, spoolPath: undefined })
    assert.equal(direct.finishAfter, 'delivered')
    assert.equal(direct.keepsEmptyFiles, false)
    const spooled = await settings(['--output=s3://bucket', '--spool-dir=spool'])
    assert.deepEqual(spooled.place, {
      kind: 's3',
      url: 's3://bucket',
      endpoint: undefined,
      spoolPath: resolve('spool'),
    })
    assert.equal(spooled.finishAfter, 'durable')
  })

  test('framing, compression and names', async () => {
    assert.equal((await settings(['--escape'])).framing, 'escaped')
    assert.equal((await settings(['--output-format=length'])).framing, 'length')
    const gzip = await settings(['-gzip', '-gzip-level', '9', '--filename-format', '<TOPIC><REV>'])
    assert.deepEqual(gzip.compression, { name: 'gzip', level: 9 })
    assert.equal(gzip.names('t').template(0, 0), 't<REV>.gz')
    assert.deepEqual((await settings(['--zstd'])).compression, { name: 'zstd', level: undefined })
    const partitions = await settings([
      '--filename-format=%Y/<TOPIC>.<HOST>',
      '--host-identifier=<SHORT_HOST>-2',
    ])
    assert.equal(partitions.isPartitioned, true)
    assert.equal(partitions.keepsEmptyFiles, false)
    assert.equal(partitions.names('t').template(0, 0), `1970/t.${hostname().split('.')[0]}-2`)
  })

  test('<REV> is in names where several files may have one, and only there', async () => {
    for (const flag of [
      '--gzip',
      '--zstd',
      '--rotate-size=9',
      '--rotate-interval=1s',
      '--work-dir=w',
      '--manifest',
    ]) {
      assert.match((await settings([flag])).names('t').template(0, 0), /<REV>/, flag)
      await assert.rejects(settings([flag, '--filename-format=<TOPIC>']), {
        message: /^--filename-format has no <REV>/,
      })
    }
    assert.doesNotMatch((await settings([])).names('t').template(0, 0), /REV/)
  })

  test('whether it has an end', async () => {
    for (const flag of ['--until-empty', '--max-duration=1h', '--max-messages=1']) {
      assert.equal((await settings([flag])).hasEnd, true)
    }
  })

  const bad: [args: string[], message: RegExp][] = [
    [['--gzip', '--zstd'], /^--gzip and --zstd exclude each other/],
    [['--zstd-level=5'], /^--zstd-level is for --zstd/],
    [['--escape', '--output-format=jsonl'], /^--escape is for lines/],
    [['--time-field=at'], /^--time-field has no effect/],
    [['--output=a', '--output-dir=b'], /^--output and --output-dir are two outputs/],
    [['--output='], /^--output is empty/],
    [['--output=-'], /^--output=- is no folder/],
    [['--host-identifier=<HOST>'], /^--host-identifier: "<HOST>" is not known/],
    [['--output-dir=s3://bucket'], /^--output-dir=s3:\/\/bucket is no folder/],
    [['--output=gs://bucket'], /^--output: "gs:\/\/bucket" is neither a folder nor/],
    [['--output=s3://BUCKET'], /^--output: "BUCKET" cannot be a bucket/],
    [
      ['--output=s3://bucket', '--s3-endpoint=127.0.0.1:9000'],
      /^--s3-endpoint: "127.0.0.1:9000" is not like http/,
    ],
    [['--output=s3://bucket', '--work-dir=w'], /^--work-dir is for a folder as the output, not for S3/],
    [
      ['--output=s3://bucket', '--filename-format=<TOPIC>'],
      /^--filename-format has no <REV>, and with --output=s3/,
    ],
    [['--spool-dir=s'], /^--spool-dir is for S3/],
    [['--s3-endpoint=http://x'], /^--s3-endpoint is for S3/],
    [['--filename-format=%Q'], /^--filename-format: .*%Q/],
    [['--datetime-format=%'], /^--datetime-format: /],
    [['--filename-format=../<TOPIC>'], /^--filename-format: .*"\.\."/],
    [['--channel=a b'], /^"a b" is not the name of a channel/],
    [['--rotate-size=-1'], /^--rotate-size: "-1" is out of range/],
    [['--sync-interval=0s'], /^--sync-interval: "0s" is out of range/],
    [['--gzip-level=10'], /^--gzip-level: "10" is out of range/],
    [['--output-format=xml'], /^--output-format: "xml" is not one of/],
  ]
  for (const [args, message] of bad) {
    test(`refuses ${args.join(' ')}`, async () => {
      await assert.rejects(settings(args), { code: /^E_(USAGE|OPTION)$/, message })
    })
  }
})
