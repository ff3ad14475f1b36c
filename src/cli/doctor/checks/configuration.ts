import { type Check, CONFIGURATION, fail, ok, skip, type Verdict, warn } from '../finding.ts'
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
  title: 'No NSQ_ variable of the environment is misspelt',
  run: ({ configuration: { unknownVariables } }) =>
    unknownVariables.map(({ name, near }): Verdict => {
      const message = `no command reads the variable ${name}`
      // What resembles nothing of ours may well be a program's own.
      return near === undefined
        ? skip(CONFIGURATION, message)
        : warn(CONFIGURATION, message, `Did you mean ${near}?`)
    }),
}
