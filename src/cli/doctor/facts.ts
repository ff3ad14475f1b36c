/**
 * What was found, before anybody judges it: `collect` makes it, the checks read it. Times are milliseconds.
 */
import type { NodeInfo } from '../../cluster/lookup.ts'
import type { NsqdAbout, NsqdStats } from '../../cluster/stats.ts'
import type { TombstoneInfo } from '../../cluster/tombstones.ts'
import type { Located } from './sources.ts'

export interface Facts {
  readonly configuration: ConfigurationFacts
  readonly machine: MachineFacts
  readonly lookupds: readonly LookupdFacts[]
  /** The nsqlookupds that nsqds were told to register at, by their TCP addresses. */
  readonly registrars: readonly RegistrarFacts[]
  readonly nsqds: readonly NsqdFacts[]
  readonly backlogs: readonly BacklogFacts[]
  /** The secret was given, and whether TLS was asked for. */
  readonly wanted: { readonly tls: boolean; readonly verify: boolean; readonly secret: boolean }
  /** When this was found, since 1970. */
  readonly at: number
}

export interface ConfigurationFacts {
  readonly located: readonly Located[]
  /** No address was given, so those of this machine were tried. */
  readonly isAssumed: boolean
  /** What some of them were taken from: `the current context prod`. */
  readonly context: string | undefined
  /** `NSQ_*` variables that no command reads, each with one that is nearly it, where there is one. */
  readonly unknownVariables: readonly { readonly name: string; readonly near: string | undefined }[]
}

export interface MachineFacts {
  /** `v22.3.0` */
  readonly nodeVersion: string
  /** Undefined where the system has no limit, or does not tell. */
  readonly openFiles: number | undefined
  readonly disks: readonly DiskFacts[]
}

/** The file system of a folder in which an nsqd of this machine keeps its data. */
export interface DiskFacts {
  readonly path: string
  /** Whose it is, as it is called. */
  readonly nsqd: string
  /** Bytes, that this user may use. */
  readonly free: number
  readonly size: number
  /** Files that can still be made; undefined where there is no such limit. */
  readonly freeFiles: number | undefined
}

/** Why something could not be found out. `code` is the system's (`ECONNREFUSED`) or one of ours (`E_READ_TIMEOUT`). */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly remedy?: string
}

export interface NameFacts {
  readonly host: string
  /** IP addresses; of one, itself. Empty when the name cannot be resolved. */
  readonly addresses: readonly string[]
  readonly failure?: Failure
}

/** What is behind a port. `http` is some server that is none of NSQ's. */
export type Service =
  | 'nsqd-tcp'
  | 'nsqd-http'
  | 'nsqlookupd-tcp'
  | 'nsqlookupd-http'
  | 'nsqadmin'
  | 'http'
  | 'tls'
  | 'unknown'

/** Of every attempt to talk to a port. */
export interface PortFacts {
  /** As it was dialled. */
  readonly address: string
  readonly name: NameFacts
  /** Why nobody could be talked to there. */
  readonly failure?: Failure
  /** Whether there was a connection at least. */
  readonly isConnected: boolean
  /** What seems to be there; undefined when nothing answered. */
  readonly service?: Service
  readonly certificate?: CertificateFacts
}

/** The certificate of a server, and what this side thinks of it. */
export interface CertificateFacts {
  readonly subject: string
  /** Since 1970. */
  readonly validTo: number
  /** `TLSv1.3` */
  readonly protocol: string
  /** Why it is not trusted: the code of Node or OpenSSL. */
  readonly problem?: Failure
}

/** A conversation over nsqd's own protocol. */
export interface WireFacts extends PortFacts {
  readonly identity?: IdentityFacts
  /** What nsqd said in place of what was hoped for: its own words. */
  readonly refusal?: string
  readonly auth?: 'accepted' | 'no secret' | 'refused'
}

/** What nsqd answers to IDENTIFY; what an old one leaves out is undefined. */
export interface IdentityFacts {
  readonly version: string | undefined
  readonly maxRdyCount: number | undefined
  readonly msgTimeout: number | undefined
  readonly maxMsgTimeout: number | undefined
  /** That TLS was agreed on. */
  readonly tls: boolean
  readonly authRequired: boolean
}

/** A conversation over HTTP. */
export interface HttpFacts extends PortFacts {
  /** Of the first answer. */
  readonly ms?: number
  /** What `/ping` answered. */
  readonly ping?: { readonly status: number; readonly text: string }
  readonly version?: string
  /** How far its clock is ahead of this one, at least and at most. */
  readonly clock?: { readonly min: number; readonly max: number }
}

export interface NsqdHttpFacts extends HttpFacts {
  readonly about?: NsqdAbout
  readonly stats?: NsqdStats
  /** Why there are none. */
  readonly statsFailure?: Failure
  readonly config: NsqdConfigFacts
}

/** What `/config` tells of an nsqd; what it does not is undefined. */
export interface NsqdConfigFacts {
  readonly lookupds?: readonly string[]
  readonly dataPath?: string
  readonly maxMsgSize?: number
  /** It has options that only ours has. */
  readonly isOurs: boolean
}

export interface LookupdFacts extends HttpFacts {
  readonly nodes?: readonly NodeInfo[]
  readonly nodesFailure?: Failure
  /** What it hides, and until when; undefined of those that do not tell, which are the official ones. */
  readonly tombstones?: readonly TombstoneInfo[]
}

export interface RegistrarFacts extends PortFacts {
  /** The nsqds that were told to register there. */
  readonly nsqds: readonly string[]
}

export interface NsqdFacts {
  /** By which it is called: `host:port` of its HTTP API, else of its TCP port, or a path. */
  readonly name: string
  /** Named by the user, not only by nsqlookupd. */
  readonly isGiven: boolean
  /** As nsqlookupd knows it. */
  readonly registered?: NodeInfo
  readonly wire?: WireFacts
  readonly http?: NsqdHttpFacts
  /** Other addresses (`host:port`, TCP) where the very same nsqd answers; looked for when its own cannot be reached. */
  readonly reachableAt: readonly string[]
  /** The address that it tells nsqlookupds, when none of those asked has it. */
  readonly broadcast?: NameFacts
}

/** A channel with consumers and much that waits, looked at twice. */
export interface BacklogFacts {
  readonly topic: string
  readonly channel: string
  readonly depth: number
  /** Messages a second. */
  readonly in: number
  readonly out: number
}
