import { connect, type Socket } from 'node:net'

const READ_LENGTH = 256 * 1024

/**
 * Connects to a server on loopback. All reads go into one buffer, which is `onRead`'s until it returns: nothing is
 * allocated for what comes in. Connections may share one.
 */
export function dial(
  port: number,
  onRead: (bytes: Buffer, length: number) => void,
  buffer: Buffer = Buffer.alloc(READ_LENGTH),
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer,
        callback: length => {
          onRead(buffer, length)
          return true
        },
      },
    })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}
