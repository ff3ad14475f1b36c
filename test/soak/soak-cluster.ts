import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatAddress } from '../../src/util/address.ts'
import type { Random } from '../storage/random.ts'
import { type Certificates, certificates } from '../support/certificates.ts'
import { Spawned } from '../support/spawned.ts'
import { pause } from '../support/wait.ts'

/** Small files, so that segments come and go, and what is retained is there in full within minutes. */
const FLAGS = [
  '--max-bytes-per-file=1048576',
  '--mem-queue-bytes=8388608',
  '--msg-timeout=5s',
  '--sync-timeout=500ms',
]
const RETAINED = ['--retain-bytes=1048576']

/** An nsqd that can be started again: where it was, with what it had. */
export class Member {
  readonly dataPath: string
  readonly #flags: readonly string[]
  #process: Spawned

  constructor(dataPath: string, flags: readonly string[]) {
    this.dataPath = dataPath
    this.#flags = [...FLAGS, `--data-path=${dataPath}`, ...flags]
    this.#process = new Spawned('nsqd', this.#flags)
  }

  get process(): Spawned {
    return this.#process
  }

  get tcp(): string {
    return formatAddress(this.#process.tcp)
  }

  get http(): string {
    return formatAddress(this.#process.http)
  }

  async start(): Promise<void> {
    await this.#process.start()
  }

  /**
   * Ends it with this signal, and starts it again at the same addresses.
   *
   * @returns its exit code; null when it was killed
   */
  async restart(signal: NodeJS.Signals, downMs: number): Promise<number | null> {
    const [tcp, http] = [this.tcp, this.http]
    const code = await this.#process.kill(signal)
    await pause(downMs)
    this.#process = new Spawned('nsqd', [...this.#flags, `--tcp-address=${tcp}`, `--http-address=${http}`])
    await this.#process.start()
    return code
  }
}

/** Two nsqds, an nsqlookupd and an nsqadmin, in processes of their own. */
export class SoakCluster {
  readonly lookupd: Spawned
  readonly admin: Spawned
  /** Never restarted, so that what leaks shows. */
  readonly steady: Member
  /** Restarted again and again, and retains messages. */
  readonly restarted: Member
  /** The authority of the nsqds' certificate. */
  readonly ca: string
  readonly #folder: string

  static async start(): Promise<SoakCluster> {
    const lookupd = await new Spawned('nsqlookupd', []).start()
    const cluster = new SoakCluster(lookupd, await certificates())
    const { steady, restarted, admin } = cluster
    try {
      await Promise.all([steady.start(), restarted.start(), admin.start()])
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  private constructor(lookupd: Spawned, { ca, server }: Certificates) {
    this.lookupd = lookupd
    this.admin = new Spawned('nsqadmin', [`--lookupd-http-address=${formatAddress(lookupd.http)}`])
    this.ca = ca.cert
    this.#folder = mkdtempSync(join(tmpdir(), 'nsq-ts-soak-'))
    const [cert, key] = [join(this.#folder, 'cert.pem'), join(this.#folder, 'key.pem')]
    writeFileSync(cert, server.cert)
    writeFileSync(key, server.key)
    const flags = [
      `--lookupd-tcp-address=${formatAddress(lookupd.tcp)}`,
      `--tls-cert=${cert}`,
      `--tls-key=${key}`,
      '--https-address=',
    ]
    this.steady = new Member(this.#subfolder('steady'), flags)
    this.restarted = new Member(this.#subfolder('restarted'), [...flags, ...RETAINED])
  }

  get nsqds(): readonly Member[] {
    return [this.steady, this.restarted]
  }

  /** Ends one nsqd and starts it again; says what was not as it should be. */
  async restartOne(random: Random): Promise<string | undefined> {
    const signal = random.pick(['SIGTERM', 'SIGKILL'] as const)
    const code = await this.restarted.restart(signal, random.int(0, 500))
    return signal === 'SIGTERM' && code !== 0 ? `nsqd ended with ${code} after SIGTERM` : undefined
  }

  /** Ends all of them, and says what was not as it should be. */
  async close(): Promise<string[]> {
    const all = [...this.nsqds.map(({ process }) => process), this.admin, this.lookupd]
    const codes = await Promise.all(all.map(each => each.kill('SIGTERM')))
    rmSync(this.#folder, { recursive: true, force: true })
    return codes.flatMap((code, i) => (code === 0 ? [] : [`daemon ${i} ended with ${code} after SIGTERM`]))
  }

  #subfolder(name: string): string {
    const path = join(this.#folder, name)
    mkdirSync(path)
    return path
  }
}
