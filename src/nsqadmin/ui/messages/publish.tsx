import { useCallback, useId, useMemo, useState } from 'preact/hooks'
import type { Publish as PublishRequest, Published } from '../../live-types.ts'
import { call } from '../api.ts'
import { Button } from '../components/button.tsx'
import { problemOf } from '../components/confirm.tsx'
import { Icon } from '../components/icon.tsx'
import { Link } from '../components/link.tsx'
import { Alert } from '../components/states.tsx'
import { toast } from '../components/toast.tsx'
import { bytes as size, clock, duration, plural } from '../format.ts'
import type { Problem } from '../live-state.ts'
import { useRequest } from '../use-request.ts'
import { readDelay, reportOn, tooMany, type DraftMode, type DraftReport } from './draft.ts'
import { fetchPlaces } from './topic-facts.ts'

const MODES: readonly (readonly [mode: DraftMode, label: string])[] = [
  ['text', 'Text'],
  ['lines', 'A message a line'],
  ['base64', 'Base64'],
]

/** The default --max-msg-size of nsqd; that of this one is not known here. */
const USUAL_LIMIT = 1024 * 1024
const SAID = 5

interface Said {
  id: number
  time: number
  reply: Published
  delayMs: number
}

export function Publish({ topic }: { topic: string }) {
  const id = useId()
  const [body, setBody] = useState('')
  const [mode, setMode] = useState<DraftMode>('text')
  const [delay, setDelay] = useState('')
  const [node, setNode] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const [said, setSaid] = useState<readonly Said[]>([])
  const report = useMemo(() => reportOn(body, mode), [body, mode])
  const wait = readDelay(delay)
  const ask = useCallback((signal: AbortSignal) => fetchPlaces(topic, signal), [topic])
  const places = useRequest(ask)
  const problemOfDraft = report.problem ?? tooMany(report.messages, 'problem' in wait ? 0 : wait.ms)
  // Without an nsqd there is something else to be said.
  const isNew = places.value?.length !== 0 && places.value?.every(place => !place.hasTopic) === true
  const wrong = problemOfDraft !== undefined || 'problem' in wait

  const publish = async (): Promise<void> => {
    if (wrong || busy) return
    const request: PublishRequest = {
      topic,
      body: mode === 'base64' ? body.replace(/\s+/g, '') : body,
      encoding: mode === 'base64' ? 'base64' : 'utf8',
      ...(mode === 'lines' ? { lines: true } : {}),
      ...(wait.ms > 0 ? { deferMs: wait.ms } : {}),
      ...(node === '' ? {} : { node }),
    }
    setBusy(true)
    setProblem(undefined)
    try {
      const reply = await call<Published>('POST', 'api/publish', request)
      setSaid(before =>
        [{ id: Date.now(), time: Date.now(), reply, delayMs: wait.ms }, ...before].slice(0, SAID),
      )
      if (isNew) {
        // The page of the topic takes the place of this one as soon as there is a topic.
        toast(`${plural(reply.count, 'message')} published: topic ${topic} is made`)
        places.again()
      }
    } catch (error) {
      setProblem(problemOf(error))
    }
    setBusy(false)
  }

  return (
    <form
      class="publish"
      onSubmit={event => {
        event.preventDefault()
        void publish()
      }}
      onKeyDown={event => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
        event.preventDefault()
        void publish()
      }}
    >
      {isNew && (
        <div class="alert note" role="status">
          <Icon name="warning" />
          <p>
            No nsqd has a topic <strong class="name">{topic}</strong> yet: publishing makes it.
          </p>
        </div>
      )}
      <div class="panel-bar">
        <div class="segments" role="group" aria-label="What is typed is">
          {MODES.map(([value, label]) => (
            <button key={value} type="button" aria-pressed={mode === value} onClick={() => setMode(value)}>
              {label}
            </button>
          ))}
        </div>
      </div>
      <label class="visually-hidden" htmlFor={`${id}-body`}>
        {mode === 'lines' ? 'Messages, one a line' : 'Message'}
      </label>
      <textarea
        id={`${id}-body`}
        rows={8}
        value={body}
        spellcheck={false}
        autocomplete="off"
        placeholder={PLACEHOLDERS[mode]}
        aria-describedby={`${id}-report`}
        onInput={event => setBody(event.currentTarget.value)}
      />
      <Report
        id={`${id}-report`}
        report={{ ...report, problem: problemOfDraft }}
        mode={mode}
        isEmpty={body === ''}
      />
      <div class="publish-options">
        <div class="field">
          <label htmlFor={`${id}-delay`}>Deferred by</label>
          <input
            id={`${id}-delay`}
            value={delay}
            placeholder="not"
            autocomplete="off"
            aria-invalid={'problem' in wait}
            aria-describedby={`${id}-wait`}
            onInput={event => setDelay(event.currentTarget.value)}
          />
          <p id={`${id}-wait`} class={'problem' in wait ? 'field-problem' : 'field-note'}>
            {'problem' in wait
              ? wait.problem
              : wait.ms > 0
                ? `due ${duration(wait.ms)} after`
                : '90s, 1m30s, 2h'}
          </p>
        </div>
        <div class="field">
          <label htmlFor={`${id}-node`}>To nsqd</label>
          <select id={`${id}-node`} value={node} onChange={event => setNode(event.currentTarget.value)}>
            <option value="">{isNew ? 'any' : 'any that has the topic'}</option>
            {places.value?.map(place => (
              <option key={place.node} value={place.node}>
                {place.node}
                {place.hasTopic || isNew ? '' : ' (has not the topic)'}
              </option>
            ))}
          </select>
        </div>
        <div class="publish-button">
          <Button submit kind="primary" busy={busy} disabled={wrong} title="Ctrl+Enter">
            {report.messages > 1 ? `Publish ${plural(report.messages, 'message')}` : 'Publish'}
          </Button>
          <kbd>Ctrl</kbd>
          <kbd>Enter</kbd>
        </div>
      </div>
      {problem && <Alert message={problem.message} remedy={problem.remedy} />}
      <ul class="said" aria-live="polite" aria-label="Published">
        {said.map(({ id, time, reply, delayMs }) => (
          <li key={id}>
            <Icon name="check" />
            <span>
              {clock(time)} {plural(reply.count, 'message')} published to{' '}
              <Link to={{ page: 'node', node: reply.node }}>{reply.node}</Link>
              {delayMs > 0 && `, due at ${clock(time + delayMs)}`}
            </span>
          </li>
        ))}
      </ul>
    </form>
  )
}

const PLACEHOLDERS: Record<DraftMode, string> = {
  text: '{"order": 1234}',
  lines: '{"order": 1234}\n{"order": 1235}',
  base64: 'eyJvcmRlciI6IDEyMzR9',
}

interface ReportProps {
  id: string
  report: DraftReport
  mode: DraftMode
  isEmpty: boolean
}

function Report({ id, report, mode, isEmpty }: ReportProps) {
  const { messages, bytes, largest, problem, json } = report
  return (
    <p id={id} class="publish-report">
      {problem !== undefined ? (
        <span class={isEmpty ? '' : 'bad-text'}>{problem}</span>
      ) : (
        <>
          <span>{mode === 'lines' ? `${plural(messages, 'message')}, ${size(bytes)}` : size(bytes)}</span>
          {json && <span class={json.valid ? 'good-text' : 'warn-text'}>{json.text}</span>}
          {largest > USUAL_LIMIT && (
            <span class="warn-text">
              more than {size(USUAL_LIMIT)}: an nsqd takes that only with a larger --max-msg-size
            </span>
          )}
        </>
      )}
    </p>
  )
}
