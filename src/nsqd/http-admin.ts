import { HttpError } from '../http/error.ts'
import { empty, type Reply } from '../http/reply.ts'
import type { HttpRequest, Route } from '../http/router.ts'
import { isValidChannelName, isValidTopicName } from '../protocol/names.ts'

interface AdminChannel {
  pause(): void
  unpause(): void
  empty(): void
}

interface AdminTopic extends AdminChannel {
  readonly channels: ReadonlyMap<string, AdminChannel>
  /** Gets or creates the channel. */
  channel(name: string): unknown
}

/** The parts of a daemon that create, change and delete topics and channels. */
export interface AdminTarget {
  readonly topics: ReadonlyMap<string, AdminTopic>
  /** Gets or creates the topic. */
  topic(name: string): unknown
  /** False when there is none. */
  deleteTopic(name: string): boolean
  deleteChannel(topicName: string, channelName: string): boolean
  /** Resolves when a crash will not undo what has been done to this topic. */
  settle(topicName: string): Promise<void>
}

/** `POST /topic/…` and `/channel/…`: create, delete, empty, pause, unpause. */
export function adminRoutes(nsqd: AdminTarget): Route[] {
  const topic = (request: HttpRequest): AdminTopic => existingTopic(nsqd, topicArgument(request))
  const channel = (request: HttpRequest): AdminChannel => existingChannel(nsqd, channelArguments(request))
  /** What is gone, and said to be, does not come back. nsqd.dat alone does not say that, as it does of all else. */
  const postLasting = (path: string, act: (request: HttpRequest) => void): Route => ({
    method: 'POST',
    path,
    async handle(request): Promise<Reply> {
      act(request)
      await nsqd.settle(topicArgument(request))
      return empty()
    },
  })
  return [
    post('/topic/create', request => void nsqd.topic(validTopicArgument(request))),
    post('/topic/delete', request => {
      if (!nsqd.deleteTopic(topicArgument(request))) throw new HttpError(404, 'TOPIC_NOT_FOUND')
    }),
    postLasting('/topic/empty', request => existingTopic(nsqd, validTopicArgument(request)).empty()),
    post('/topic/pause', request => topic(request).pause()),
    post('/topic/unpause', request => topic(request).unpause()),
    post('/channel/create', request => {
      const [topicName, channelName] = channelArguments(request)
      existingTopic(nsqd, topicName).channel(channelName)
    }),
    postLasting('/channel/delete', request => {
      const [topicName, channelName] = channelArguments(request)
      existingTopic(nsqd, topicName)
      if (!nsqd.deleteChannel(topicName, channelName)) throw new HttpError(404, 'CHANNEL_NOT_FOUND')
    }),
    postLasting('/channel/empty', request => channel(request).empty()),
    post('/channel/pause', request => channel(request).pause()),
    post('/channel/unpause', request => channel(request).unpause()),
  ]
}

function post(path: string, act: (request: HttpRequest) => void): Route {
  const handle = (request: HttpRequest): Reply => {
    act(request)
    return empty()
  }
  return { method: 'POST', path, handle }
}

function existingTopic(nsqd: AdminTarget, name: string): AdminTopic {
  const topic = nsqd.topics.get(name)
  if (topic === undefined) throw new HttpError(404, 'TOPIC_NOT_FOUND')
  return topic
}

function existingChannel(nsqd: AdminTarget, [topicName, channelName]: [string, string]): AdminChannel {
  const channel = existingTopic(nsqd, topicName).channels.get(channelName)
  if (channel === undefined) throw new HttpError(404, 'CHANNEL_NOT_FOUND')
  return channel
}

/** The official nsqd does not look at the form of the name here: there is no topic of an invalid name. */
function topicArgument(request: HttpRequest): string {
  const topic = request.query.get('topic')
  if (topic === null) throw new HttpError(400, 'MISSING_ARG_TOPIC')
  return topic
}

function validTopicArgument(request: HttpRequest): string {
  const topic = topicArgument(request)
  if (!isValidTopicName(topic)) throw new HttpError(400, 'INVALID_TOPIC')
  return topic
}

/** The official codes for the same mistake differ between topics' and channels' endpoints. */
export function channelArguments(request: HttpRequest): [topic: string, channel: string] {
  const topic = topicArgument(request)
  if (!isValidTopicName(topic)) throw new HttpError(400, 'INVALID_ARG_TOPIC')
  const channel = request.query.get('channel')
  if (channel === null) throw new HttpError(400, 'MISSING_ARG_CHANNEL')
  if (!isValidChannelName(channel)) throw new HttpError(400, 'INVALID_ARG_CHANNEL')
  return [topic, channel]
}
