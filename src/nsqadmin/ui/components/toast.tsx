import { createStore } from '../store.ts'
import { useStore } from '../use-store.ts'
import { Icon } from './icon.tsx'

interface Toast {
  id: number
  text: string
  tone: 'good' | 'warn' | 'bad'
}

const SHOWN_MS = 6_000
const AT_MOST = 4

const toasts = createStore<readonly Toast[]>([])
let lastId = 0

/** Says in a corner what has been done, and to a screen reader. What went wrong stays until it is closed. */
export function toast(text: string, tone: Toast['tone'] = 'good'): void {
  const id = ++lastId
  toasts.set([...toasts.get(), { id, text, tone }].slice(-AT_MOST))
  if (tone === 'good') setTimeout(() => close(id), SHOWN_MS)
}

function close(id: number): void {
  toasts.set(toasts.get().filter(each => each.id !== id))
}

/** Once in the page, always there: what is put into an aria-live region later is read out. */
export function Toasts() {
  const shown = useStore(toasts)
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, tone }) => (
        <div key={id} class={`toast ${tone}`}>
          <Icon name={tone === 'good' ? 'check' : 'warning'} />
          <span>{text}</span>
          <button type="button" class="plain-icon" aria-label="Close this notice" onClick={() => close(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  )
}
