import { NsqError } from '../util/errors.ts'
import { near } from '../util/suggest.ts'
import { isPattern } from './stat/selection.ts'

/** That there is no such thing, and what may have been meant. */
export function notFound(
  code: string,
  message: string,
  nearest: readonly string[],
  otherwise?: string,
): NsqError {
  const remedy = nearest.length === 0 ? otherwise : `Did you mean ${nearest.join(', ')}?`
  return new NsqError(code, message, remedy === undefined ? {} : { remedy })
}

/** @param warnings - of the daemons that did not answer: one that is down may have it */
export function noSuchTopic(
  unknown: readonly string[],
  all: readonly string[],
  warnings: readonly NsqError[],
): NsqError {
  const what = unknown.every(isPattern)
    ? 'no topic matches'
    : unknown.length === 1
      ? 'there is no topic'
      : 'there are no topics'
  return notFound(
    'E_TOPIC_NOT_FOUND',
    `${what} ${unknown.join(', ')}${reservation(warnings)}`,
    nearest(unknown, all),
    all.length === 0 ? 'There is no topic at all.' : 'See nsq-ts topic list.',
  )
}

/** @param topic - undefined: of no topic that is looked at */
export function noSuchChannel(
  topic: string | undefined,
  unknown: readonly string[],
  all: readonly string[],
  warnings: readonly NsqError[],
): NsqError {
  const what = unknown.every(isPattern) ? 'channel like' : unknown.length === 1 ? 'channel' : 'channels'
  return notFound(
    'E_CHANNEL_NOT_FOUND',
    `${topic === undefined ? 'there is' : `the topic ${topic} has`} no ${what} ${unknown.join(', ')}${reservation(warnings)}`,
    nearest(unknown, all),
    all.length === 0
      ? `${topic === undefined ? 'There is' : 'It has'} no channel at all.`
      : `${topic === undefined ? 'There are' : 'It has'} ${all.slice(0, 10).join(', ')}.`,
  )
}

function nearest(unknown: readonly string[], all: readonly string[]): string[] {
  return [...new Set(unknown.filter(name => !isPattern(name)).flatMap(name => near(name, all)))]
}

function reservation(warnings: readonly NsqError[]): string {
  return warnings.length === 0 ? '' : ' at the daemons that answer'
}
