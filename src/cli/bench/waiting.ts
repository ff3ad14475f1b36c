/** A promise, and what settles it. */
export class Waiting<T = void> {
  readonly promise: Promise<T>
  resolve: (value: T) => void = ignore
  reject: (error: unknown) => void = ignore

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // It may fail before anybody waits for it.
    this.promise.catch(ignore)
  }
}

function ignore(): void {}
