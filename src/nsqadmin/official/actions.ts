/** The official API's commands. Each that was done, at least in part, is notified. */
import type { Answers } from '../../cluster/answers.ts'
import { HttpError } from '../../http/error.ts'
import { json, type Reply } from '../../http/reply.ts'
import type { HttpRequest, Route } from '../../http/router.ts'
import { isValidChannelName, isValidTopicName } from '../../protocol/names.ts'
import type { Admin } from '../admin.ts'
import { senderOf } from '../access.ts'
import type { AdminAction, Notifier } from '../notify.ts'
import { readTexts } from './body.ts'
import { ask } from './upstream.ts'

export function actionRoutes(admin: Admin, notifier: Notifier): Route[] {
  /** Waits until it is done, and says so. */
  const perform = async (
    request: HttpRequest,
    tasks: readonly [AdminAction, ...AdminAction[]],
    done: Promise<Answers<unknown>>,
  ): Promise<Reply> => {
    const names = tasks.map(({ action, topic, channel, node }) =>
      [action, topic, channel, node].filter(name => name !== undefined).join(' '),
    )
    const { message } = await ask(admin, names[0] ?? '', done)
    const by = senderOf(request.raw, admin.options)
    for (const name of names) admin.logger.info(`${name}, by ${by}`)
    for (const task of tasks) notifier.notify(task, request)
    return json({ message })
  }

  const create = async (request: HttpRequest): Promise<Reply> => {
    const { topic, channel } = await readTexts(request, ['topic', 'channel'])
    if (!isValidTopicName(topic)) throw new HttpError(400, 'INVALID_TOPIC')
    if (channel !== '' && !isValidChannelName(channel)) throw new HttpError(400, 'INVALID_CHANNEL')
    const { cluster } = admin
    const task = { action: 'create_topic', topic }
    return channel === ''
      ? perform(request, [task], cluster.createTopic(topic))
      : perform(
          request,
          [task, { action: 'create_channel', topic, channel }],
          cluster.createChannel(topic, channel),
        )
  }

  const act = async (request: HttpRequest): Promise<Reply> => {
    const { topic = '', channel } = request.params
    const { action } = await readTexts(request, ['action'])
    const { cluster } = admin
    const [onTopic, onChannel] = commands.get(action) ?? []
    if (onTopic === undefined || onChannel === undefined) throw new HttpError(400, 'INVALID_ACTION')
    return channel === undefined
      ? perform(request, [{ action: `${action}_topic`, topic }], onTopic(cluster, topic))
      : perform(
          request,
          [{ action: `${action}_channel`, topic, channel }],
          onChannel(cluster, topic, channel),
        )
  }

  const remove = (request: HttpRequest): Promise<Reply> => {
    const { topic = '', channel } = request.params
    return channel === undefined
      ? perform(request, [{ action: 'delete_topic', topic }], admin.cluster.deleteTopic(topic))
      : perform(
          request,
          [{ action: 'delete_channel', topic, channel }],
          admin.cluster.deleteChannel(topic, channel),
        )
  }

  const tombstone = async (request: HttpRequest): Promise<Reply> => {
    const { node = '' } = request.params
    const { topic } = await readTexts(request, ['topic'])
    if (!isValidTopicName(topic)) throw new HttpError(400, 'INVALID_TOPIC')
    const task = { action: 'tombstone_topic_producer', topic, node }
    return perform(request, [task], admin.cluster.tombstone(topic, node))
  }

  return [
    { method: 'POST', path: '/api/topics', handle: create },
    { method: 'POST', path: '/api/topics/:topic', handle: act },
    { method: 'POST', path: '/api/topics/:topic/:channel', handle: act },
    { method: 'DELETE', path: '/api/topics/:topic', handle: remove },
    { method: 'DELETE', path: '/api/topics/:topic/:channel', handle: remove },
    { method: 'DELETE', path: '/api/nodes/:node', handle: tombstone },
  ]
}

type Cluster = Admin['cluster']

const commands: ReadonlyMap<
  string,
  readonly [
    onTopic: (cluster: Cluster, topic: string) => Promise<Answers<unknown>>,
    onChannel: (cluster: Cluster, topic: string, channel: string) => Promise<Answers<unknown>>,
  ]
> = new Map([
  ['pause', [(cluster, topic) => cluster.pauseTopic(topic), (cluster, ...at) => cluster.pauseChannel(...at)]],
  [
    'unpause',
    [(cluster, topic) => cluster.unpauseTopic(topic), (cluster, ...at) => cluster.unpauseChannel(...at)],
  ],
  ['empty', [(cluster, topic) => cluster.emptyTopic(topic), (cluster, ...at) => cluster.emptyChannel(...at)]],
])
