import { connect, createServer, type Server, type Socket } from 'node:net'
import { closeServer, listenTcp } from '../../../src/net/listen.ts'
import { FRAME_HEADER, FrameReader, FrameType } from '../../../src/protocol/frame.ts'
import { type Address, formatAddress } from '../../../src/util/address.ts'

/** Stands before an nsqd, and keeps back some of the frames that it sends: messages unless told otherwise. */
export class LosingProxy {
  address = ''
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** @param isLost - of a frame of that type, by how many came before it */
  static async start(
    nsqd: Address,
    isLost: (index: number) => boolean,
    lossy: number = FrameType.message,
  ): Promise<LosingProxy> {
    const proxy = new LosingProxy(nsqd, isLost, lossy)
    proxy.address = formatAddress(await listenTcp(proxy.#server, { host: '127.0.0.1', port: 0 }))
    return proxy
  }

  private constructor(nsqd: Address, isLost: (index: number) => boolean, lossy: number) {
    let count = 0
    this.#server = createServer({ noDelay: true }, client => {
      const upstream = connect({ ...nsqd, noDelay: true })
      const reader = new FrameReader(
        {
          frame: (type, bytes, start, end) => {
            if (type === lossy && isLost(count++)) return
            const header = Buffer.alloc(FRAME_HEADER)
            header.writeUInt32BE(end - start + 4, 0)
            header.writeUInt32BE(type, 4)
            client.write(Buffer.concat([header, bytes.subarray(start, end)]))
          },
        },
        1024 * 1024,
      )
      upstream.on('data', (chunk: Buffer) => reader.push(chunk))
      client.pipe(upstream)
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => other.destroy())
      }
    })
  }

  async close(): Promise<void> {
    await closeServer(this.#server, this.#sockets)
  }
}
