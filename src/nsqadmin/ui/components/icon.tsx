/** Drawn on a field of 16 by 16, in the colour of the text. */
const PATHS = {
  sun: 'M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9 13 13M13 3l-1.1 1.1M4.1 11.9 3 13M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z',
  moon: 'M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z',
  system: 'M2 3h12v8H2zM6 14h4M8 11v3',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6L12.5 8 5 3.2Z',
  empty: 'M3 9.5h3l1 2h2l1-2h3M3 9.5v3.5h10V9.5M8 2v5M5.8 5 8 7.2 10.2 5',
  remove: 'M2.5 4h11M6 4V2.5h4V4M4 4l.6 9.5h6.8L12 4M6.7 6.5v4.5M9.3 6.5v4.5',
  warning: 'M8 2 1.5 13.5h13L8 2ZM8 6.5v3.2M8 11.7v.1',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.3l3.2 3.2',
  up: 'M8 13V3.5M4 7l4-4 4 4',
  down: 'M8 3v9.5M4 9l4 4 4-4',
  plus: 'M8 3v10M3 8h10',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  check: 'M3 8.5l3.2 3.2L13 4.8',
  chevron: 'M6 3.5 10.5 8 6 12.5',
} as const

export type IconName = keyof typeof PATHS

/** Says nothing to a screen reader: the text beside it does. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
