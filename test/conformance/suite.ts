import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Spawned } from '../support/spawned.ts'
import { Player } from './player.ts'
import { readTranscript, type Transcript } from './transcript.ts'

/** Makes a test of each recorded case; every one has a daemon of its own. */
export function conformanceSuite(name: Transcript['daemon']): void {
  const transcript = readTranscript(name)
  describe(`${name} answers as ${transcript.recordedFrom} did`, { concurrency: 8 }, () => {
    for (const { name: title, flags = [], steps } of transcript.cases) {
      test(title, async () => {
        const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-conformance-'))
        try {
          const dataFlags = name === 'nsqd' ? [`--data-path=${folder}`] : []
          const daemon = await new Spawned(name, [...dataFlags, ...flags]).start()
          try {
            await new Player(transcript, daemon).play(steps)
          } finally {
            await daemon.kill('SIGTERM')
          }
        } finally {
          await rm(folder, { recursive: true, force: true })
        }
      })
    }
  })
}
