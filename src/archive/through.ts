import { pipeline, Readable, type Transform } from 'node:stream'

/** What comes out of a stream of zlib's for this input. Fails with the error of either. */
export async function* through(transform: Transform, input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // An error destroys the transform with it, and so ends the loop below.
  pipeline(Readable.from(input), transform, () => {})
  const output: AsyncIterable<Buffer> = transform
  yield* output
}
