import { formatBytes, formatCount } from '../../units.ts'
import type { DiskFacts } from '../facts.ts'
import { type Check, fail, MACHINE, ok, skip, type Verdict, warn } from '../finding.ts'

/** package.json says it too ("engines"); a test holds them together. */
export const OLDEST_NODE = '20.19.0'

export const node: Check = {
  id: 'node',
  title: 'Node is new enough',
  run: ({ machine: { nodeVersion } }) => {
    if (compare(nodeVersion, OLDEST_NODE) >= 0) return [ok(MACHINE, `Node ${nodeVersion}`)]
    return [
      fail(
        MACHINE,
        `Node ${nodeVersion} is older than ${OLDEST_NODE}, the oldest that nsq-ts runs on`,
        'Install a newer one: https://nodejs.org.',
      ),
    ]
  },
}

function compare(a: string, b: string): number {
  const [one, other] = [a, b].map(version => version.replace(/^v/, '').split('.').map(Number))
  for (let i = 0; i < 3; i++) {
    const difference = (one?.[i] ?? 0) - (other?.[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Each client of an nsqd takes one, and each topic a few. */
const FEW_FILES = 4096

export const openFiles: Check = {
  id: 'open-files',
  title: 'Programs may open enough files and connections (ulimit -n)',
  run: ({ machine: { openFiles: limit } }) => {
    if (limit === undefined)
      return [skip(MACHINE, 'there is no limit of open files, or the system does not tell')]
    if (limit >= FEW_FILES) return [ok(MACHINE, `up to ${formatCount(limit)} open files`)]
    return [
      warn(
        MACHINE,
        `a program may have no more than ${formatCount(limit)} files and connections open`,
        'Raise the limit where daemons are started: ulimit -n 65536, LimitNOFILE= of systemd, --ulimit nofile= of Docker.',
      ),
    ]
  },
}

const GB = 1e9

export const disk: Check = {
  id: 'disk',
  title: 'There is room on the disks of the nsqds of this machine',
  run: ({ machine: { disks } }) =>
    disks.length > 0
      ? disks.map(judgeDisk)
      : [skip(MACHINE, 'no nsqd that was found keeps its data on this machine, as far as it tells')],
}

function judgeDisk({ path, nsqd, free, size, freeFiles }: DiskFacts): Verdict {
  const where = `${path} (nsqd ${nsqd})`
  const room = `${formatBytes(free)} of ${formatBytes(size)} are free in ${where}`
  const remedy =
    'Make room, or a larger disk: when it is full, nsqd refuses messages. `nsq-ts stat --sort depth` shows what waits; ' +
    'channels that nobody needs can be deleted.'
  if (freeFiles !== undefined && freeFiles < 1000) {
    return fail(MACHINE, `no more than ${formatCount(freeFiles)} files can be made in ${where}`, remedy)
  }
  if (free < 0.1 * GB || free < 0.01 * Math.min(size, 100 * GB)) return fail(MACHINE, `only ${room}`, remedy)
  if (free < 0.1 * size && free < 10 * GB) return warn(MACHINE, `only ${room}`, remedy)
  return ok(MACHINE, room)
}
