import { otherSort, type Sort } from './sort.ts'

/** What a person has chosen to see on the live table. */
export interface View {
  readonly sort: Sort
  readonly filter: string
  /** Whether the filter is being typed. */
  readonly isTyping: boolean
  /** Nothing is asked and nothing moves until it is taken back. */
  readonly isPaused: boolean
  /** Rows that are above the screen. */
  readonly top: number
}

/** A key, as node:readline names it. */
export interface Key {
  readonly name?: string | undefined
  readonly sequence?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
}

/**
 * What the view is after a key; undefined when the key ends it all.
 *
 * @param page - rows that are on the screen
 * @param rows - rows that there are
 */
export function pressed(view: View, key: Key, page: number, rows: number): View | undefined {
  if (key.ctrl && (key.name === 'c' || key.name === 'd')) return undefined
  if (view.isTyping) return typed(view, key)
  // node:readline takes Escape for a key with Meta.
  if (key.ctrl || (key.meta && key.name !== 'escape')) return view
  const scroll = (top: number): View => ({ ...view, top: Math.max(0, Math.min(top, rows - page)) })
  switch (key.name ?? key.sequence) {
    case 'q':
      return undefined
    case 's':
    case 'right':
      return { ...view, sort: otherSort(view.sort, 1), top: 0 }
    case 'left':
      return { ...view, sort: otherSort(view.sort, -1), top: 0 }
    case 'p':
      return { ...view, isPaused: !view.isPaused }
    case '/':
      return { ...view, isTyping: true }
    case 'escape':
      return { ...view, filter: '', top: 0 }
    case 'up':
      return scroll(view.top - 1)
    case 'down':
      return scroll(view.top + 1)
    case 'pageup':
      return scroll(view.top - page)
    case 'pagedown':
    case 'space':
      return scroll(view.top + page)
    case 'home':
      return scroll(0)
    case 'end':
      return scroll(rows)
    default:
      return view
  }
}

function typed(view: View, { name, sequence = '', ctrl, meta }: Key): View {
  const filter = (text: string): View => ({ ...view, filter: text, top: 0 })
  if (name === 'return' || name === 'enter') return { ...view, isTyping: false }
  if (name === 'escape') return { ...filter(''), isTyping: false }
  if (name === 'backspace') return filter(view.filter.slice(0, -1))
  if (ctrl && name === 'u') return filter('')
  // What names are made of.
  return !ctrl && !meta && /^[\w.#/-]+$/.test(sequence) ? filter(view.filter + sequence) : view
}
