/** What the server tells the page before anything else: who the reader is, and what may be done here. */
import { useCallback } from 'preact/hooks'
import type { PageConfig } from '../live-types.ts'
import { connectionError } from './api-error.ts'
import { ApiError } from './api-error.ts'
import { fetchConfig } from './api.ts'
import { createStore } from './store.ts'
import { useStore } from './use-store.ts'

interface ConfigState {
  config: PageConfig | undefined
  error: ApiError | undefined
}

const state = createStore<ConfigState>({ config: undefined, error: undefined })

export async function loadConfig(): Promise<void> {
  try {
    state.set({ config: await fetchConfig(), error: undefined })
  } catch (error) {
    state.set({ ...state.get(), error: error instanceof ApiError ? error : connectionError(error) })
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
