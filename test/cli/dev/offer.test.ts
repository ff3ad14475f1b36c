import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { findOffer, makeOffer } from '../../../src/cli/dev/offer.ts'
import { startOf } from '../../../src/util/process-start.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** A user with folders, and dev in some of them. */
class Rig {
  readonly home = temporaryFolder()
  readonly env = { HOME: this.home }
  readonly offers = join(this.home, '.cache/nsq-ts/dev')
  readonly #t: TestContext

  constructor(t: TestContext) {
    this.#t = t
  }

  folder(name: string): string {
    const path = join(this.home, name)
    mkdirSync(path, { recursive: true })
    return path
  }

  /** dev runs there, until the function returned is called. */
  dev(name: string, address: string, env: Record<string, string> = this.env): () => void {
    const withdraw = makeOffer(env, this.folder(name), { 'nsqd-tcp-address': [address] })
    this.#t.after(withdraw)
    return withdraw
  }

  /** The address that a command in this folder finds. */
  found(name: string, env: Record<string, string> = this.env): string | undefined {
    return findOffer(env, () => join(this.home, name))?.values['nsqd-tcp-address']?.[0]
  }

  /** An offer of another process. */
  write(offer: Record<string, unknown>): void {
    mkdirSync(this.offers, { recursive: true })
    writeFileSync(join(this.offers, `${String(offer['pid'])}-1.json`), JSON.stringify(offer))
  }
}

/** What this process would write, but for these. */
function like(rig: Rig, changes: Record<string, unknown>): Record<string, unknown> {
  const withdraw = rig.dev('', 'own:1')
  const [name = ''] = readdirSync(rig.offers)
  const offer: Record<string, unknown> = JSON.parse(readFileSync(join(rig.offers, name), 'utf8'))
  withdraw()
  return { ...offer, ...changes }
}

/** As process.cwd() does in a folder that is there no more. */
const gone = (): never => {
  throw new Error('ENOENT: getcwd')
}

describe('the offer of dev', () => {
  test('is found in its folder and below, until it is withdrawn', t => {
    const rig = new Rig(t)
    rig.folder('shop/src')
    rig.folder('shop-2')
    assert.equal(rig.found('shop'), undefined)
    const withdraw = rig.dev('shop', 'a:1')
    assert.equal(rig.found('shop'), 'a:1')
    assert.equal(rig.found('shop/src'), 'a:1')
    assert.equal(rig.found('shop-2'), undefined)
    assert.equal(rig.found(''), undefined)
    withdraw()
    withdraw()
    assert.equal(rig.found('shop'), undefined)
    assert.deepEqual(readdirSync(rig.offers), [])
    assert.deepEqual(readdirSync(join(rig.home, 'shop')), ['src'])
  })

  test('of the nearest folder counts, and there the newest', t => {
    const rig = new Rig(t)
    rig.folder('shop/sub/src')
    rig.dev('shop', 'outer:1')
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 1000 })
    rig.dev('shop/sub', 'inner:1')
    t.mock.timers.tick(1000)
    const withdraw = rig.dev('shop', 'newer:1')
    assert.equal(rig.found('shop'), 'newer:1')
    assert.equal(rig.found('shop/sub/src'), 'inner:1')
    withdraw()
    assert.equal(rig.found('shop'), 'outer:1')
  })

  test('is for the real folder', t => {
    const rig = new Rig(t)
    rig.folder('shop/src')
    symlinkSync(join(rig.home, 'shop'), join(rig.home, 'link'))
    rig.dev('link', 'a:1')
    assert.equal(rig.found('shop/src'), 'a:1')
    assert.equal(rig.found('link'), 'a:1')
    assert.equal(
      findOffer(rig.env, () => join(rig.home, 'gone')),
      undefined,
    )
    assert.equal(findOffer(rig.env, gone), undefined)
  })

  test('of a root folder is for all', t => {
    const rig = new Rig(t)
    rig.write(like(rig, { folder: '/' }))
    assert.equal(rig.found(''), 'own:1')
  })

  test('is found where only the one who made it has a runtime folder', t => {
    const rig = new Rig(t)
    const runtime = { ...rig.env, XDG_RUNTIME_DIR: rig.folder('run') }
    rig.dev('shop', 'a:1')
    assert.equal(rig.found('shop', runtime), 'a:1')
    rig.dev('other', 'b:1', runtime)
    assert.deepEqual(readdirSync(join(rig.home, 'run/nsq-ts/dev')).length, 1)
    assert.equal(rig.found('other', runtime), 'b:1')
  })

  test('is made elsewhere when the runtime folder is that of somebody else', t => {
    const rig = new Rig(t)
    const foreign = { ...rig.env, XDG_RUNTIME_DIR: import.meta.filename }
    rig.dev('shop', 'a:1', foreign)
    assert.equal(rig.found('shop'), 'a:1')
    assert.equal(rig.found('shop', foreign), 'a:1')
  })

  test('of a process that was killed is passed over, and removed', async t => {
    const rig = new Rig(t)
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(child, 'spawn')
    rig.write(like(rig, { pid: child.pid, started: startOf(child.pid ?? 0) }))
    assert.equal(rig.found(''), 'own:1')
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(rig.found(''), undefined)
    assert.deepEqual(readdirSync(rig.offers), [])
  })

  test(
    'of an earlier process with the number of one that runs is stale',
    { skip: startOf(process.pid) === null && 'the system does not tell' },
    t => {
      const rig = new Rig(t)
      rig.write(like(rig, { pid: process.ppid, started: 'another boot 1' }))
      assert.equal(rig.found(''), undefined)
      rig.write(like(rig, { started: 'another boot 1' }))
      assert.equal(rig.found(''), undefined)
      assert.deepEqual(readdirSync(rig.offers), [])
    },
  )

  test('of another machine is not ours, nor ours to remove', t => {
    const rig = new Rig(t)
    rig.write(like(rig, { host: 'elsewhere' }))
    assert.equal(rig.found(''), undefined)
    assert.equal(readdirSync(rig.offers).length, 1)
  })

  test('that is no offer is passed over', t => {
    const rig = new Rig(t)
    for (const change of [
      { pid: 'x' },
      { folder: 7 },
      { values: null },
      { values: { 'nsqd-tcp-address': 'a:1' } },
      { values: { 'auth-secret': ['x'] } },
    ]) {
      rig.write(like(rig, change))
      assert.equal(rig.found(''), undefined)
    }
    writeFileSync(join(rig.offers, '1-1.json'), '{')
    assert.equal(rig.found(''), undefined)
  })

  test('has no place where there is no home, and says what the file system says', t => {
    makeOffer({}, '/', {})()
    const rig = new Rig(t)
    writeFileSync(join(rig.home, '.cache'), '')
    assert.throws(() => rig.dev('', 'a:1'), /ENOTDIR|EEXIST/)
    assert.equal(rig.found(''), undefined)
  })
})
