import { visibleRuns, visibleText } from '../visible.ts'

/** Text of others, where what a browser would hide, or let turn the line around, is shown by name. */
export function SafeText({ text }: { text: string }) {
  return (
    <>
      {visibleRuns(text).map((run, i) =>
        'text' in run ? (
          run.text
        ) : (
          // oxlint-disable-next-line react/no-array-index-key -- runs have nothing else, and keep no state
          <span key={i} class="hidden-char" title={run.title}>
            {run.label}
          </span>
        ),
      )}
    </>
  )
}

interface GivenNameProps {
  text: string
  class?: string
  /** Shown when one points at it; the name itself unless given. */
  title?: string
}

/** What a client or a daemon says of itself: it may say anything, and is not to look like something else of the page. */
export function GivenName({ text, class: name, title = text }: GivenNameProps) {
  return (
    <bdi class={name} title={visibleText(title)}>
      <SafeText text={text} />
    </bdi>
  )
}
