import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

/** Set for the process that runs in a network of its own. */
const INSIDE = 'NSQ_TS_OWN_NETWORK'
const UNSHARE = process.getuid?.() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net']
/** On each side. */
const ADDRESSES = 8
/** Before the rule that looks up routes. */
const FIRST_RULE = 100

export const isInOwnNetwork = process.env[INSIDE] !== undefined

/** Why there can be no networks of their own here; undefined when there can. */
export function whyNoNetworks(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  const made = ['ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']
  const { error, status, stderr } = spawnSync('unshare', [...UNSHARE, ...made], { encoding: 'utf8' })
  if (error !== undefined) return `unshare: ${error.message}`
  return status === 0 ? undefined : `a network namespace cannot be made here: ${stderr.trim()}`
}

/** Runs this test file again, in a network where there is nothing yet; what it says goes where this process' goes. */
export async function runInOwnNetwork(): Promise<void> {
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const child = spawn('unshare', [...UNSHARE, ...command], {
    // That this process has ended is seen at the other end of the pipe.
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, [INSIDE]: 'yes' },
  })
  const [code] = await once(child, 'exit')
  process.exitCode = typeof code === 'number' ? code : 1
}

/** To be called inside: ends with the process that has started this one. */
export function endWithOutside(): void {
  process.stdin.on('close', () => process.exit(1)).resume()
  process.stdin.unref()
}

/** A network that lives as long as the process that was started in it. */
class Namespace {
  readonly #holder: ChildProcess

  constructor() {
    this.#holder = spawn('unshare', ['--net', 'sh', '-c', 'echo made; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  }

  async made(): Promise<this> {
    const { stdout } = this.#holder
    if (stdout !== null) await once(stdout, 'data')
    return this
  }

  get pid(): string {
    return String(this.#holder.pid)
  }

  /** What makes a program run in it. */
  get launcher(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.pid}/ns/net`]
  }

  run(...command: readonly string[]): void {
    run([...this.launcher, ...command])
  }

  close(): void {
    this.#holder.stdin?.end()
  }
}

/**
 * A network of three, in which only the router knows what is lost:
 *
 *     this process 10.99.1.* ── router ── far 10.99.2.*
 *
 * Nobody is told of a packet that the router drops: there is no reset and no error, as with a cable that is pulled
 * somewhere on the way.
 */
export class Network {
  readonly #router = new Namespace()
  readonly #far = new Namespace()
  #nextRule = FIRST_RULE

  /** Goes when the test ends. */
  static async make(t: TestContext): Promise<Network> {
    const network = new Network()
    t.after(() => {
      network.#router.close()
      network.#far.close()
    })
    await network.#connect()
    return network
  }

  /** An address on this side, from 1 up to `ADDRESSES`. */
  near(number: number): string {
    return `10.99.1.${number}`
  }

  /** An address on the other side. */
  far(number: number): string {
    return `10.99.2.${number}`
  }

  /** What makes a program run on the other side. */
  get farLauncher(): readonly string[] {
    return this.#far.launcher
  }

  /** Loses every packet from one address to another, until what it returns is called. */
  lose(from: string, to: string): () => void {
    const rule = ['pref', String(this.#nextRule++), 'from', from, 'to', to, 'blackhole']
    this.#router.run('ip', 'rule', 'add', ...rule)
    return () => this.#router.run('ip', 'rule', 'del', ...rule)
  }

  /** The same in both directions. */
  part(one: string, other: string): () => void {
    const ways = [this.lose(one, other), this.lose(other, one)]
    return () => ways.forEach(heal => heal())
  }

  async #connect(): Promise<void> {
    await Promise.all([this.#router.made(), this.#far.made()])
    const [router, far] = [this.#router, this.#far]
    run(['ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'r1', 'netns', router.pid])
    router.run('ip', 'link', 'add', 'r2', 'type', 'veth', 'peer', 'name', 'far', 'netns', far.pid)
    const numbers = Array.from({ length: ADDRESSES }, (_, i) => i + 1)
    const nearLines = numbers.map(number => `address add ${this.near(number)}/24 dev near`)
    const farLines = numbers.map(number => `address add ${this.far(number)}/24 dev far`)
    batch([], [...nearLines, ...up('near'), 'route add default via 10.99.1.254'])
    batch(far.launcher, [...farLines, ...up('far'), 'route add default via 10.99.2.254'])
    batch(router.launcher, [
      'address add 10.99.1.254/24 dev r1',
      'address add 10.99.2.254/24 dev r2',
      ...up('r1'),
      ...up('r2'),
    ])
    router.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
  }
}

function up(name: string): string[] {
  return ['link set lo up', `link set ${name} up`]
}

function batch(launcher: readonly string[], lines: readonly string[]): void {
  run([...launcher, 'ip', '-batch', '-'], `${lines.join('\n')}\n`)
}

function run([program = '', ...rest]: readonly string[], input = ''): void {
  execFileSync(program, rest, { input, stdio: ['pipe', 'ignore', 'inherit'] })
}
