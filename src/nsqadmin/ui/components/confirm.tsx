import type { ComponentChildren } from 'preact'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api-error.ts'
import { usePlace } from '../navigation.ts'
import { createStore } from '../store.ts'
import { useStore } from '../use-store.ts'
import { Button } from './button.tsx'
import { Alert } from './states.tsx'
import { toast } from './toast.tsx'

export interface Question {
  /** `Delete topic orders?` */
  title: string
  /** What will happen, and what will be lost. */
  children: ComponentChildren
  /** What the button says: `Delete topic and 1,234 messages`. */
  button: string
  danger?: boolean
  /** What must be typed before the button can be pressed. */
  typed?: string
  /** What is done then. What it answers of trouble at some daemons is shown; when it throws, the question stays. */
  run: () => Promise<{ message: string }>
  /** Said when it is done: `Topic orders deleted`. */
  done: string
  /** Afterwards: to go elsewhere, say. */
  after?: () => void
}

const question = createStore<Question | undefined>(undefined)

/** Asks before something is done that consumers or messages would feel. */
export function ask(asked: Question): void {
  question.set(asked)
}

function forget(): void {
  question.set(undefined)
}

/** Does something that needs no question, and says how it went. */
export async function perform({ run, done, after }: Pick<Question, 'run' | 'done' | 'after'>): Promise<void> {
  const { message } = await run()
  if (message) toast(`${done}, but not everywhere: ${message.replace(/^WARNING: /, '')}`, 'warn')
  else toast(done)
  after?.()
}

/** Of anything thrown. */
export function problemOf(error: unknown): { message: string; remedy: string } {
  if (error instanceof ApiError) return error
  return { message: error instanceof Error ? error.message : String(error), remedy: '' }
}

/** Once in the page. */
export function ConfirmHost() {
  const asked = useStore(question)
  const { route } = usePlace()
  // Who goes elsewhere, by Back say, does not answer what was asked about the page before.
  useLayoutEffect(() => forget, [route])
  return asked ? <Confirm key={asked.title} asked={asked} /> : null
}

function Confirm({ asked }: { asked: Question }) {
  const { title, children, button, danger = false, typed, done } = asked
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const fieldId = useId()
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<{ message: string; remedy: string }>()

  useEffect(() => {
    // In the top layer, with the focus kept inside: the browser's own doing.
    dialog.current?.showModal()
  }, [])

  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setProblem(undefined)
    try {
      await perform({ run: asked.run, done })
      if (!dialog.current) return // who has closed it is elsewhere by now
      dialog.current.close() // gives the focus back to where it was
      asked.after?.()
    } catch (error) {
      const { message, remedy } = problemOf(error)
      // What was asked for is not forgotten because nobody waited for it.
      if (!dialog.current) toast(`${title} ${message} ${remedy}`, 'bad')
      setProblem({ message, remedy })
      setBusy(false)
    }
  }

  return (
    <dialog class="dialog" ref={dialog} aria-labelledby={titleId} onClose={forget}>
      <form onSubmit={submit}>
        <h2 id={titleId}>{title}</h2>
        <div class="dialog-text">{children}</div>
        {typed !== undefined && (
          <div class="field">
            <label for={fieldId}>
              To be sure, type <strong class="name">{typed}</strong>
            </label>
            <input
              id={fieldId}
              value={text}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              onInput={event => setText(event.currentTarget.value)}
            />
          </div>
        )}
        {problem && <Alert message={problem.message} remedy={problem.remedy} />}
        <div class="dialog-buttons">
          <Button onPress={() => dialog.current?.close()}>{busy ? 'Close' : 'Cancel'}</Button>
          <Button
            submit
            kind={danger ? 'danger' : 'primary'}
            busy={busy}
            disabled={typed !== undefined && text.trim() !== typed}
          >
            {button}
          </Button>
        </div>
      </form>
    </dialog>
  )
}
