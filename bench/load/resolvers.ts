/** A promise and what settles it; later calls change nothing. (Promise.withResolvers is younger than Node 20.) */
export interface Resolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export function withResolvers(): Resolvers {
  let settle: Pick<Resolvers, 'resolve' | 'reject'> | undefined
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Never undefined: a promise calls its function at once.
  return { promise, resolve: () => settle?.resolve(), reject: error => settle?.reject(error) }
}
