import { parsePlain } from '../../../src/cli/context/toml.ts'
import { parseToml, TomlDamage } from '../../../src/cli/toml.ts'
import { basicUser, isOwn } from '../../../src/nsqadmin/access.ts'
import { parseAddress, parseEndpoint } from '../../../src/util/address.ts'
import { formatDuration, parseDuration } from '../../../src/util/duration.ts'
import { formatMoment, parseMoment } from '../../../src/util/moment.ts'
import { withoutPassword } from '../../../src/util/password.ts'
import { isDeepStrictEqual } from 'node:util'
import { attempt, type Outcome, type Target } from '../target.ts'

const NOW = Date.UTC(2026, 0, 2)

/** Durations, times and addresses: of flags, files, headers and other daemons. */
export function texts(): Target {
  return {
    name: 'texts',
    corpus: [
      '1m30s',
      '250ms',
      '1.5h',
      '-2s',
      '0',
      '7d ago',
      '1h30m ago',
      '2026-01-02T15:04:05.123Z',
      '2026-01-02 15:04',
      'now',
      '127.0.0.1:4150',
      '[::1]:4150',
      ':4150',
      'host',
      '/run/nsqd.sock',
      'http://ada:secret@host:4161/x?y',
      'Basic YWRhOnNlY3JldA==',
      'https://example.com',
    ].map(text => Buffer.from(text)),
    tokens: [
      'ns',
      'us',
      'µs',
      'ms',
      's',
      'm',
      'h',
      'd',
      ' ago',
      ':',
      '[',
      ']',
      '-',
      '+',
      '.',
      'T',
      'Z',
      '@',
      '/',
      '//',
      ' ',
      '1',
    ],
    maxInput: 8192,
    run(input) {
      const text = input.toString()
      withoutPassword(text)
      basicUser(text)
      isOwn({ headers: { origin: text, host: 'localhost:4171' } })
      isOwn({ headers: { origin: 'http://localhost:4171', host: text } })
      const outcomes = [
        attempt(() => formatDuration(parseDuration(text)), isAbout(text)),
        attempt(() => void formatMoment(parseMoment(text, NOW)), isAbout(text)),
        attempt(() => void parseAddress(text), isAbout(text)),
        attempt(() => void parseEndpoint(text, 4150), isAbout(text)),
      ]
      return outcomes.includes('accepted') ? 'accepted' : 'rejected'
    },
  }
}

/** Their errors are RangeErrors that name the text; one from within would not. */
function isAbout(text: string): (error: unknown) => boolean {
  return error => error instanceof RangeError && error.message.startsWith(`"${text}" is not a`)
}

/** The file of contexts: what our own reader takes, the package for TOML must take for the same. */
export function contextFiles(): Target {
  return {
    name: 'context-files',
    corpus: [
      'current = "prod"\n\n[contexts.prod]\nlookupd = ["10.0.0.1:4161", "b:4161"]\ntls = true\nmax-in-flight = 20\n',
      '# mine\n[contexts."a b"]\nnsqd = "127.0.0.1:4150"\nauth-secret = "\\u00fc\\n\\"x\\""\n',
      '',
    ].map(text => Buffer.from(text)),
    tokens: [
      '[contexts.',
      ']',
      '"',
      "'",
      ' = ',
      '\n',
      '#',
      '\\',
      '\\u0000',
      '\\ud800',
      '=',
      '[]',
      ',',
      'true',
      '__proto__',
      '\r\n',
      '\u2028',
    ],
    maxInput: 4096,
    async run(input): Promise<Outcome> {
      const text = input.toString()
      const plain = parsePlain(text)
      if (plain === undefined) return 'rejected'
      const whole = await parseToml(text).catch((error: unknown) => {
        if (error instanceof TomlDamage)
          throw new Error(`TOML refuses what is taken: ${error.message}`, { cause: error })
        throw error
      })
      const [ours, theirs] = [plainOf(plain), plainOf(whole)]
      if (!isDeepStrictEqual(ours, theirs))
        throw new Error(`${JSON.stringify(ours)}, but TOML says ${JSON.stringify(theirs)}`)
      return 'accepted'
    },
  }
}

/** Without the difference between tables with a prototype and those without. */
function plainOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plainOf)
  return new Map(Object.entries(value).map(([key, each]) => [key, plainOf(each)]))
}
