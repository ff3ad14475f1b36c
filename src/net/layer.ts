import type { Duplex } from 'node:stream'

/**
 * Puts a stream over another: TLS, or a compression. `below` is paused when it is handed over, and may have bytes to
 * read already; from then on only the new stream reads it. Destroying either destroys the other. A promise must settle when
 * `below` closes: nobody is told that the connection is closed before.
 */
export type Layer = (below: Duplex) => Duplex | Promise<Duplex>
