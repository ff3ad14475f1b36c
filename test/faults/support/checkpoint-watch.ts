import { statSync } from 'node:fs'
import { join } from 'node:path'
import { topicDirectory } from '../../../src/storage/topic-directory.ts'

/** Counts the checkpoints of topics, by looking at their files. */
export class CheckpointWatch {
  readonly #dataPath: string
  readonly #seen = new Map<string, { key: string; count: number }>()

  constructor(dataPath: string) {
    this.#dataPath = dataPath
  }

  /** How many checkpoints of this topic were seen, with the one that is there now. Some may have been missed. */
  generation(topic: string): number {
    const path = join(topicDirectory(this.#dataPath, topic), 'checkpoint')
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    const key = stat === undefined ? '' : `${stat.ino} ${stat.mtimeNs}`
    const seen = this.#seen.get(topic) ?? { key: '', count: 0 }
    if (key !== seen.key) this.#seen.set(topic, { key, count: seen.count + 1 })
    return this.#seen.get(topic)?.count ?? 0
  }

  /**
   * The newest generation that is in a checkpoint for certain: the next one may have been under way already, but the
   * one after it was begun later.
   */
  saved(topic: string): number {
    return this.generation(topic) - 2
  }
}
