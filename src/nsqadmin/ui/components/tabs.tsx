import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

export interface Tab {
  id: string
  label: ComponentChildren
}

interface TabsProps {
  /** What they are of, for a screen reader. */
  label: string
  tabs: readonly Tab[]
  chosen: string
  onChoose: (id: string) => void
  /** The chosen one's. */
  children: ComponentChildren
}

/** Parts of a page of which one is shown. The arrow keys lead from one to the next. */
export function Tabs({ label, tabs, chosen, onChoose, children }: TabsProps) {
  const id = useId()
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const at = tabs.findIndex(tab => tab.id === chosen) + step
    const next = Number.isFinite(at)
      ? tabs[(at + tabs.length) % tabs.length]
      : step < 0
        ? tabs[0]
        : tabs.at(-1)
    if (!next) return
    onChoose(next.id)
    const list = event.currentTarget
    list.querySelector<HTMLElement>(`[data-tab="${CSS.escape(next.id)}"]`)?.focus()
  }
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} tabIndex={-1} onKeyDown={onKey}>
        {tabs.map(tab => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${id}-${tab.id}`}
            data-tab={tab.id}
            aria-selected={tab.id === chosen}
            aria-controls={tab.id === chosen ? `${id}-panel` : undefined}
            tabIndex={tab.id === chosen ? 0 : -1}
            onClick={() => onChoose(tab.id)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`} tabIndex={-1}>
        {children}
      </div>
    </div>
  )
}
