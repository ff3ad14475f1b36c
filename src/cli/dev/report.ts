import type { Painter } from '../colour.ts'
import type { Cluster, Endpoint } from './cluster.ts'

/** What a script or a program reads: one JSON object on one line. */
export function readyLine(cluster: Cluster): string {
  return JSON.stringify({
    ready: true,
    pid: process.pid,
    data_path: cluster.dataPath,
    nsqd: cluster.nsqds.map(addresses),
    nsqlookupd: cluster.lookupds.map(addresses),
  })
}

function addresses({ tcp, http }: Endpoint): { tcp_address: string; http_address: string } {
  return { tcp_address: tcp, http_address: http }
}

/**
 * The addresses as environment variables: those of the first daemon of each kind by plain names, and all of them by the
 * names that the other commands read in place of their flags.
 */
export function clusterEnvironment({ nsqds, lookupds }: Cluster): Record<string, string> {
  const [nsqd] = nsqds
  const [lookupd] = lookupds
  return {
    ...(nsqd === undefined
      ? {}
      : {
          NSQD_TCP_ADDRESS: nsqd.tcp,
          NSQD_HTTP_ADDRESS: nsqd.http,
          NSQ_NSQD_TCP_ADDRESS: all(nsqds, 'tcp'),
          NSQ_NSQD_HTTP_ADDRESS: all(nsqds, 'http'),
        }),
    ...(lookupd === undefined
      ? {}
      : {
          NSQLOOKUPD_TCP_ADDRESS: lookupd.tcp,
          NSQLOOKUPD_HTTP_ADDRESS: lookupd.http,
          NSQ_LOOKUPD_TCP_ADDRESS: all(lookupds, 'tcp'),
          NSQ_LOOKUPD_HTTP_ADDRESS: all(lookupds, 'http'),
        }),
  }
}

function all(endpoints: readonly Endpoint[], kind: 'tcp' | 'http'): string {
  return endpoints.map(endpoint => endpoint[kind]).join(',')
}

export interface BannerOptions {
  painter: Painter
  /** How the user calls us: `nsq-ts`, or `npx nsq-ts`. */
  command: string
  /** Since the process was started. */
  elapsedMs: number
}

/** What a person reads: where everything is, and lines to copy. */
export function banner(cluster: Cluster, { painter, command, elapsedMs }: BannerOptions): string {
  const { bold, dim, cyan, green, yellow } = painter
  const endpoints = [...cluster.nsqds, ...cluster.lookupds]
  const width = Math.max(...endpoints.map(({ name }) => name.length), 'data'.length) + 2
  const lines = [green(bold(`NSQ is ready`)) + dim(` (${Math.round(elapsedMs)} ms)`), '']
  for (const { name, tcp, http } of endpoints) {
    lines.push(`  ${bold(name.padEnd(width))}${cyan(tcp.padEnd(17))}${cyan(`http://${http}`)}`)
  }
  const fate = cluster.isTemporary ? 'removed on exit; keep it with --data-path' : 'kept'
  lines.push(`  ${bold('data'.padEnd(width))}${cluster.dataPath} ${dim(`(${fate})`)}`, '')
  for (const { name, wanted, got } of cluster.moves) {
    lines.push(yellow(`  Port ${wanted} is taken: ${name} listens on ${got} instead.`))
  }
  if (cluster.moves.length > 0) lines.push('')
  lines.push('  In another terminal:', '')
  for (const line of suggestions(cluster, command)) lines.push(`    ${line}`)
  lines.push('', dim('  Ctrl-C stops it.'))
  return lines.join('\n')
}

function suggestions({ nsqds: [nsqd], lookupds: [lookupd], topics }: Cluster, command: string): string[] {
  if (nsqd === undefined) return lookupd === undefined ? [] : [`curl http://${lookupd.http}/nodes`]
  // The tools look at this address when they are given none.
  const flag = nsqd.tcp === '127.0.0.1:4150' ? '' : ` --nsqd-tcp-address=${nsqd.tcp}`
  const [topic = 'greetings'] = topics
  return [
    `${command} tail --topic=${topic}${flag}`,
    `echo hello | ${command} pub --topic=${topic}${flag}`,
    `curl http://${nsqd.http}/stats`,
  ]
}
