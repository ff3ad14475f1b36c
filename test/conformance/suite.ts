import { describe, test } from 'node:test'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import { nsqdOptions, resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { nsqlookupdOptions, resolveNsqlookupdOptions } from '../../src/nsqlookupd/options.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { resolveOptions } from '../../src/util/option-values.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { Player } from './player.ts'
import { readTranscript, type Transcript } from './transcript.ts'

/** Makes a test of each recorded case; every one has a daemon of its own. */
export function conformanceSuite(name: Transcript['daemon']): void {
  const transcript = readTranscript(name)
  describe(`${name} answers as ${transcript.recordedFrom} did`, { concurrency: 8 }, () => {
    for (const { name: title, flags = [], steps } of transcript.cases) {
      const play = async (): Promise<void> => {
        const daemon = name === 'nsqd' ? newNsqd(flags) : newNsqlookupd(flags)
        await daemon.start()
        try {
          await new Player(transcript, { tcp: daemon.tcpAddress, http: daemon.httpAddress }).play(steps)
        } finally {
          await daemon.close()
        }
      }
      // What is asked between two moments is asked too late by a machine that is busy just then.
      const dependsOnTime = steps.some(step => 'sleep' in step)
      test(title, () => (dependsOnTime ? play().catch(play) : play()))
    }
  })
}

const quiet = new Logger({ prefix: '', level: LogLevel.info, write: () => {} })
const LOCAL = {
  'tcp-address': '127.0.0.1:0',
  'http-address': '127.0.0.1:0',
  'broadcast-address': '127.0.0.1',
}

/** Clients that only say what a transcript says have messages in hand at its end, and nobody waits for them. */
const AT_ONCE = { 'shutdown-timeout': '0' }

function newNsqd(flags: readonly string[]): Nsqd {
  const given = { ...LOCAL, ...AT_ONCE, 'data-path': temporaryFolder(), ...parsed(flags) }
  return new Nsqd(resolveNsqdOptions(resolveOptions(nsqdOptions, given, {})), quiet)
}

function newNsqlookupd(flags: readonly string[]): Nsqlookupd {
  const given = { ...LOCAL, ...parsed(flags) }
  return new Nsqlookupd(resolveNsqlookupdOptions(resolveOptions(nsqlookupdOptions, given, {})), quiet)
}

/** Of `--flag=value` each. */
function parsed(flags: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flags.map(flag => {
      const [name = '', value = ''] = flag.replace(/^--/, '').split('=')
      return [name, value]
    }),
  )
}
