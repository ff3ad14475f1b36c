import type { Painter } from '../colour.ts'
import type { ContextValues } from '../context/named-context.ts'
import type { Cluster, Endpoint } from './cluster.ts'

/** What a script or a program reads: one JSON object on one line. */
export function readyLine(cluster: Cluster): string {
  return JSON.stringify({
    ready: true,
    pid: process.pid,
    data_path: cluster.dataPath,
    nsqd: cluster.nsqds.map(addresses),
    nsqlookupd: cluster.lookupds.map(addresses),
    nsqadmin: cluster.adminHttp === undefined ? [] : [{ http_address: cluster.adminHttp }],
  })
}

function addresses({ tcp, http }: Endpoint): { tcp_address: string; http_address: string } {
  return { tcp_address: tcp, http_address: http }
}

/**
 * The addresses as environment variables: those of the first daemon of each kind by plain names, and all of them by the
 * names that the other commands read in place of their flags.
 */
export function clusterEnvironment({ nsqds, lookupds, adminHttp }: Cluster): Record<string, string> {
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
    ...(adminHttp === undefined ? {} : { NSQADMIN_HTTP_ADDRESS: adminHttp }),
  }
}

/** The same for the other commands that run in this folder. */
export function clusterValues({ nsqds, lookupds }: Cluster): ContextValues {
  const tcp = nsqds.map(endpoint => endpoint.tcp)
  const http = nsqds.map(endpoint => endpoint.http)
  return {
    ...(nsqds.length === 0 ? {} : { 'nsqd-tcp-address': tcp, 'nsqd-http-address': http }),
    ...(lookupds.length === 0 ? {} : { 'lookupd-http-address': lookupds.map(endpoint => endpoint.http) }),
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
export async function banner(
  cluster: Cluster,
  { painter, command, elapsedMs }: BannerOptions,
): Promise<string> {
  const { bold, dim, cyan, green, yellow } = painter
  const { default: Table } = await import('cli-table3')
  const table = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 2, 'padding-right': 0 },
  })
  for (const { name, tcp, http } of [...cluster.nsqds, ...cluster.lookupds]) {
    table.push([bold(name), `${cyan(tcp)}   ${cyan(`http://${http}`)}`])
  }
  if (cluster.adminHttp !== undefined) {
    table.push([bold('nsqadmin'), `${cyan(`http://${cluster.adminHttp}`)} ${dim('(in the browser)')}`])
  }
  const fate = cluster.isTemporary ? 'removed on exit; keep it with --data-path' : 'kept'
  table.push([bold('data'), `${cluster.dataPath} ${dim(`(${fate})`)}`])
  const lines = [
    green(bold(`NSQ is ready`)) + dim(` (${Math.round(elapsedMs)} ms)`),
    '',
    table.toString(),
    '',
  ]
  for (const { name, wanted, got } of cluster.moves) {
    lines.push(yellow(`  Port ${wanted} is taken: ${name} listens on ${got} instead.`))
  }
  if (cluster.moves.length > 0) lines.push('')
  lines.push('  In another terminal:', '')
  for (const line of suggestions(cluster, command)) lines.push(`    ${line}`)
  lines.push('', dim('  Ctrl-C stops it.'))
  return lines.join('\n')
}

const BORDERS = ['top', 'bottom', 'left', 'right', 'mid'].flatMap(side => [
  side,
  `${side}-mid`,
  `${side}-left`,
  `${side}-right`,
])
const NO_BORDERS = Object.fromEntries([...BORDERS, 'middle'].map(name => [name, '']))

function suggestions({ nsqds, lookupds: [lookupd], topics }: Cluster, command: string): string[] {
  const [nsqd] = nsqds
  if (nsqd === undefined) return lookupd === undefined ? [] : [`curl http://${lookupd.http}/nodes`]
  // The tools look at this address when they are given none.
  const one = nsqd.tcp === '127.0.0.1:4150' ? '' : ` --nsqd-tcp-address=${nsqd.tcp}`
  const all = nsqds.length > 1 && lookupd !== undefined ? ` --lookupd-http-address=${lookupd.http}` : one
  const [topic = 'greetings'] = topics
  return [
    `${command} tail --topic=${topic}${all}`,
    `echo hello | ${command} pub --topic=${topic}${one}`,
    `curl http://${nsqd.http}/stats`,
  ]
}
