import { listChannels } from '../cluster/lookup.ts'
import { register, unregister } from '../protocol/lookup.ts'
import { isEphemeral, isValidChannelName } from '../protocol/names.ts'
import { Complaints } from '../util/complaints.ts'
import { errorText } from '../util/errors.ts'
import { LOOKUP_TIMING, LookupPeer, type LookupSource, type LookupTiming } from './lookup-peer.ts'

/** How long a new topic may wait for nsqlookupd to name its channels. */
const CHANNELS_TIMEOUT_MS = 1000

/** The nsqlookupds that this nsqd registers with. None of them can hold it up. */
export class LookupPeers {
  readonly #source: LookupSource
  readonly #timing: LookupTiming
  readonly #complaints: Complaints
  #peers: LookupPeer[] = []

  constructor(source: LookupSource, timing: LookupTiming = LOOKUP_TIMING) {
    this.#source = source
    this.#complaints = new Complaints(source.logger)
    this.#timing = timing
  }

  get addresses(): readonly string[] {
    return this.#peers.map(peer => peer.name)
  }

  /** Registers with these `host:port` from now on: leaves the others, and keeps the connections to those that stay. */
  setAddresses(addresses: readonly string[]): void {
    const staying = new Map(this.#peers.map(peer => [peer.name, peer]))
    this.#peers = [...new Set(addresses)].map(address => {
      const peer = staying.get(address) ?? new LookupPeer(address, this.#source, this.#timing)
      staying.delete(address)
      return peer
    })
    for (const peer of staying.values()) peer.close()
  }

  /** Tells all of them of a new topic, or a new channel of it. */
  register(topic: string, channel?: string): void {
    this.#send(register(topic, channel))
  }

  /** Tells all of them that a topic, or a channel of it, is no more. */
  unregister(topic: string, channel?: string): void {
    this.#send(unregister(topic, channel))
  }

  /**
   * The channels that other nsqds have of a topic, but for ephemeral ones. A new topic is given them before its first
   * message, so that each of them gets it. Takes a second at most and never rejects: an nsqlookupd that does not answer in
   * time is left out.
   */
  async knownChannels(topic: string): Promise<string[]> {
    const addresses = this.#peers.flatMap(({ httpAddress }) => httpAddress ?? [])
    if (addresses.length === 0) return []
    const timing = { connectTimeoutMs: CHANNELS_TIMEOUT_MS, requestTimeoutMs: CHANNELS_TIMEOUT_MS }
    try {
      const { value, warnings } = await listChannels(addresses, topic, timing)
      for (const warning of warnings) this.#complain(topic, warning)
      return value.filter(name => isValidChannelName(name) && !isEphemeral(name))
    } catch (error) {
      this.#complain(topic, error)
      return []
    }
  }

  close(): void {
    this.setAddresses([])
  }

  /** There may be any number of new topics. */
  #complain(topic: string, error: unknown): void {
    this.#complaints.warn('channels of new topics', `channels of ${topic}: ${errorText(error)}`)
  }

  #send(command: Buffer): void {
    for (const peer of this.#peers) peer.send(command)
  }
}
