import type { ComponentChildren } from 'preact'
import { useCallback, useId, useState } from 'preact/hooks'
import { call, create } from '../api.ts'
import { nameNote, nameProblem } from '../name-rule.ts'
import { useRequest } from '../use-request.ts'
import { Button } from './button.tsx'
import { Card } from './card.tsx'
import { perform, problemOf } from './confirm.tsx'
import { Link } from './link.tsx'
import { Alert } from './states.tsx'

interface TopicsReply {
  topics: string[] | null
}

interface CreateFormProps {
  hasLookupds: boolean
  onCreated: () => void
}

/** Makes a topic, or a channel; the names are looked at while they are typed. */
export function CreateForm({ hasLookupds, onCreated }: CreateFormProps) {
  const id = useId()
  const [topic, setTopic] = useState('')
  const [channel, setChannel] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<{ message: string; remedy: string }>()
  const ask = useCallback(
    async (signal: AbortSignal) =>
      new Set((await call<TopicsReply>('GET', 'api/topics', undefined, signal)).topics),
    [],
  )
  const { value: topics, again } = useRequest(ask, 30_000)
  const wrong = topic === '' || nameProblem(topic) !== undefined || nameProblem(channel) !== undefined
  const exists = topics?.has(topic) === true
  const nothingToDo = exists && channel === ''

  const submit = async (): Promise<void> => {
    setBusy(true)
    setProblem(undefined)
    try {
      const made = channel === '' ? `Topic ${topic} created` : `Channel ${channel} of ${topic} created`
      await perform({ run: () => create(topic, channel), done: made })
      setChannel('')
      // The button has nothing to do now, and a browser takes the focus from what is disabled.
      document.getElementById(`${id}-channel`)?.focus()
      again()
      onCreated()
    } catch (error) {
      setProblem(problemOf(error))
    }
    setBusy(false)
  }

  return (
    <Card title="Create a topic or a channel">
      <form
        class="create"
        onSubmit={event => {
          event.preventDefault()
          if (!wrong && !nothingToDo && !busy) void submit()
        }}
      >
        <NameField id={`${id}-topic`} label="Topic" value={topic} onChange={setTopic} names={topics}>
          {nothingToDo && (
            <>
              It is there: <Link to={{ page: 'topic', topic }}>{topic}</Link>
            </>
          )}
        </NameField>
        <NameField
          id={`${id}-channel`}
          label="Channel, if one is wanted"
          value={channel}
          onChange={setChannel}
        />
        <Button submit kind="primary" icon="plus" busy={busy} disabled={wrong || nothingToDo}>
          {channel === '' ? 'Create topic' : exists ? 'Create channel' : 'Create both'}
        </Button>
        <p class="field-note create-note">
          {!hasLookupds
            ? 'They are made at every nsqd that is given.'
            : exists
              ? 'The channel is made at every nsqd that has the topic, and known to nsqlookupd: it gets what is published from then on.'
              : 'nsqlookupd knows it at once; an nsqd has it with the first message. A channel that is there before gets that one, too.'}
        </p>
        {problem && <Alert message={problem.message} remedy={problem.remedy} />}
      </form>
    </Card>
  )
}

interface NameFieldProps {
  id: string
  label: string
  value: string
  onChange: (name: string) => void
  /** That may be meant. */
  names?: ReadonlySet<string> | undefined
  children?: ComponentChildren
}

function NameField({ id, label, value, onChange, names, children }: NameFieldProps) {
  const problem = nameProblem(value)
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        class="name"
        value={value}
        maxLength={200}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        list={names && `${id}-names`}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-note`}
        onInput={event => onChange(event.currentTarget.value)}
      />
      {names && (
        <datalist id={`${id}-names`}>
          {[...names].map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
      <p id={`${id}-note`} class={problem === undefined ? 'field-note' : 'field-problem'} aria-live="polite">
        {problem ?? nameNote(value) ?? children}
      </p>
    </div>
  )
}
