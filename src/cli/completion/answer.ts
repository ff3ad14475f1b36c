/** What can stand at the cursor. Shells differ in how they are told: see shells.ts. */

export interface Candidate {
  readonly value: string
  readonly describe?: string
}

export interface Answer {
  /** What of the word stays in front of every candidate: `--topic=`. */
  readonly prefix: string
  /** In place of the rest of the word; those that do not begin with it are left out by the shell. */
  readonly candidates: readonly Candidate[]
  /** Whether the shell is to add files, or folders only; it knows how better than we do. */
  readonly files: Files
}

export type Files = 'none' | 'files' | 'folders'

export const NOTHING: Answer = { prefix: '', candidates: [], files: 'none' }
