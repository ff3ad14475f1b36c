/** What the server tells the page before anything else: who the reader is, and what may be done here. */
import { useCallback } from 'preact/hooks'
import type { PageConfig } from '../live-types.ts'
import { ApiError, connectionError } from './api-error.ts'
import { fetchConfig } from './api.ts'
import { createStore } from './store.ts'
import { useStore } from './use-store.ts'

interface ConfigState {
  config: PageConfig | undefined
  error: ApiError | undefined
}

const state = createStore<ConfigState>({ config: undefined, error: undefined })

const RETRY_MS = 3_000

let timer: ReturnType<typeof setTimeout> | undefined

/** The nsqadmin that this page is of: what it says later may be of another. */
let own: string | undefined

/** Again and again until nsqadmin answers. */
export async function loadConfig(): Promise<void> {
  clearTimeout(timer)
  try {
    take(await fetchConfig())
  } catch (error) {
    state.set({ ...state.get(), error: error instanceof ApiError ? error : connectionError(error) })
    timer = setTimeout(() => void loadConfig(), RETRY_MS)
  }
}

/** Asks again what may be done here: nsqadmin may be another one since. */
export async function refreshConfig(): Promise<void> {
  try {
    take(await fetchConfig())
  } catch {
    // What was known stays; that nsqadmin does not answer is said by what is shown.
  }
}

function take(config: PageConfig): void {
  own ??= config.version
  // Unless something is new, nothing is to be drawn again.
  const { config: known, error } = state.get()
  if (error || JSON.stringify(config) !== JSON.stringify(known)) state.set({ config, error: undefined })
}

/** The version of nsqadmin, when it is no longer that of this page. */
export function useNewVersion(): string | undefined {
  const { config } = useStore(state)
  return config && config.version !== own ? config.version : undefined
}

export function useConfig(): ConfigState & { retry: () => void } {
  const retry = useCallback(() => void loadConfig(), [])
  return { ...useStore(state), retry }
}

/** Whether the reader may change something: else what changes something is not offered. */
export function useMayChange(): boolean {
  const { config } = useStore(state)
  return config !== undefined && config.isAdmin && !config.readOnly
}
