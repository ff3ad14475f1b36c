import type { NsqError } from '../util/errors.ts'
import type { ArchiverOptions, ArchiverProgress } from './archiver-options.ts'
import type { ArchivedMessage } from './message.ts'

/** Writes the messages of one topic to files, and finishes each when it is durable. */
export class Archiver {
  /** Resolves when it cannot go on: everything in hand was given back, and `close` is what is left to do. */
  readonly failed: Promise<NsqError>

  private constructor(_options: ArchiverOptions) {
    this.failed = new Promise(() => {})
  }

  /**
   * Takes the names of this archive for itself, and mends what a run that died has left of them.
   *
   * @throws NsqError `E_ARCHIVE_LOCKED` when another process writes files of these names here; `E_ARCHIVE_WRITE`
   */
  static async open(options: ArchiverOptions): Promise<Archiver> {
    return new Archiver(options)
  }

  /** Takes a message, which is answered later. One that comes after `close` was called, or after a failure, goes back. */
  add(_message: ArchivedMessage): void {}

  /** Commits what was added so far. Resolves when it was answered, one way or the other. */
  async flush(): Promise<void> {}

  /** What SIGHUP means: commits, and closes all files. The next message opens a new one. */
  hangup(): void {}

  /**
   * Commits what was added, closes the files, and waits until they are delivered; what cannot be delivered for a
   * transient error is tried for ten seconds more and then left to the next run (`progress.waiting`). Never rejects.
   */
  async close(): Promise<void> {}

  get progress(): ArchiverProgress {
    return {
      messages: 0,
      unfinished: 0,
      requeued: 0,
      bytes: 0,
      files: 0,
      recovered: 0,
      waiting: 0,
      currentFile: undefined,
      inHand: 0,
    }
  }
}
