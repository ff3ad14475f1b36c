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

/** Again and again until nsqadmin answers. */
export async function loadConfig(): Promise<void> {
  clearTimeout(timer)
  try {
    state.set({ config: await fetchConfig(), error: undefined })
  } catch (error) {
    state.set({ ...state.get(), error: error instanceof ApiError ? error : connectionError(error) })
    timer = setTimeout(() => void loadConfig(), RETRY_MS)
  }
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
