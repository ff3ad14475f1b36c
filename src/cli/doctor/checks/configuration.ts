import { type Check, CONFIGURATION, fail, ok, type Verdict, warn } from '../finding.ts'
import { describeSources } from '../sources.ts'

/** What was named, and by what. */
export const addresses: Check = {
  id: 'addresses',
  title: 'Which daemons are looked at, and where their addresses come from',
  run: ({ configuration: { located, isAssumed, context }, lookupds, nsqds }) => {
    if (!isAssumed) {
      const lines = [...describeSources(located), ...(context === undefined ? [] : [`with ${context}`])]
      return lines.map(line => ok(CONFIGURATION, line))
    }
    if (lookupds.length + nsqds.length === 0) {
      const tried = located.map(({ address }) => address).join(', ')
      return [
        fail(
          CONFIGURATION,
          `no address was given, and nobody answers on this machine (${tried})`,
          'Start NSQ here with "nsq-ts dev", or name a daemon with --lookupd-http-address, --nsqd-http-address or --nsqd-tcp-address.',
        ),
      ]
    }
    return [ok(CONFIGURATION, 'no address was given: this is what runs on this machine')]
  },
}

export const variables: Check = {
  id: 'variables',
  title: 'Every NSQ_ variable of the environment means something',
  run: ({ configuration: { unknownVariables } }) =>
    unknownVariables.map(({ name, near }): Verdict =>
      warn(
        CONFIGURATION,
        `no command reads the variable ${name}`,
        near === undefined
          ? 'Remove it, or see "nsq-ts COMMAND --help" for the flags: --topic is NSQ_TOPIC.'
          : `Did you mean ${near}?`,
      ),
    ),
}
