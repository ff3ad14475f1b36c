import { readFileSync } from 'node:fs'

/** Bytes to send: text (latin1), or what the key says. */
export type Part =
  | string
  | { u32: number }
  /** A 4-byte size, then the parts or the JSON. */
  | { sized: Part | Part[] }
  | { sizedJson: unknown }
  /** The id of a message seen before: `m1` is the first. */
  | { id: string }
  | { repeat: [text: string, times: number] }

export type Step =
  | { connect: string }
  | { send: string; parts: Part | Part[] }
  /** Exactly these frames arrive; with `take`, just the next n are read and more may follow. */
  | { recv: string; frames: unknown[]; take?: number }
  | { closed: string; value: boolean }
  | { disconnect: string }
  | { sleep: number }
  | { http: string; path: string; parts?: Part | Part[]; response: HttpAnswer }

export interface HttpAnswer {
  status: number
  type: string | null
  body: unknown
}

export interface Case {
  name: string
  flags?: string[]
  steps: Step[]
}

/** What an official daemon was sent, and what it answered. */
export interface Transcript {
  daemon: 'nsqd' | 'nsqlookupd'
  /** JSON keys whose values differ from run to run; they were recorded as "*". */
  mask: string[]
  recordedFrom: string
  cases: Case[]
}

export function readTranscript(daemon: Transcript['daemon']): Transcript {
  // The recorded files are part of the tests, and made in this shape.
  const transcript: Transcript = JSON.parse(readFileSync(new URL(`${daemon}.json`, import.meta.url), 'utf8'))
  return transcript
}
