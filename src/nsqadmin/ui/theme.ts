import { createStore } from './store.ts'

/** `auto` is as the system has it. */
export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'nsqadmin.theme'
const THEMES: readonly Theme[] = ['auto', 'light', 'dark']

export const theme = createStore<Theme>('auto')

/** Before the page is drawn, so that it does not flash in the other colours. */
export function applyKeptTheme(): void {
  const kept = read()
  apply(THEMES.find(name => name === kept) ?? 'auto')
}

export function chooseTheme(chosen: Theme): void {
  try {
    localStorage.setItem(KEY, chosen)
  } catch {
    // The browser keeps nothing: it is chosen until the page is closed.
  }
  apply(chosen)
}

export function nextTheme(current: Theme): Theme {
  return THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? 'auto'
}

function apply(chosen: Theme): void {
  if (chosen === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
  theme.set(chosen)
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
