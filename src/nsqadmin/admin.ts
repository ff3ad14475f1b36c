import type { Cluster } from '../cluster/cluster.ts'
import type { Logger } from '../util/logger.ts'
import type { NsqadminOptions } from './options.ts'

/** An nsqadmin, as its routes need it. */
export interface Admin {
  readonly options: NsqadminOptions
  readonly logger: Logger
  /** Another one after `PUT /config/nsqlookupd_http_addresses`: ask for it each time it is used. */
  readonly cluster: Cluster
}
