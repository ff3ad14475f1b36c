import { HIDDEN, withoutPassword } from '../util/password.ts'
import type { OptionTable } from '../util/option.ts'

const FLAG = /^--([^=]+)=([\s\S]*)$/
/** A setting of `--producer-opt` and the like. */
const SECRET_SETTING = /^(\s*auth[_-]secret\s*[,=])[\s\S]*$/i
/** A user alone may be a token. */
const USER = /^(https?:\/\/)[^/@:]+@/i
const QUERY = /^(https?:\/\/[^?#]*[?#])[\s\S]+$/i

/**
 * What a process that has secrets among its arguments should be called, so that others do not see them in `ps`; undefined
 * when it has none.
 *
 * @param program - with the name of the command: `nsq-ts forward`
 * @param args - as `normalizeFlags` gives them
 */
export function titleWithoutSecrets(
  program: string,
  args: readonly string[],
  table: OptionTable,
): string | undefined {
  const shown = args.map(arg => shownArgument(arg, table))
  if (shown.every((arg, i) => arg === args[i])) return undefined
  // What ps shows of other programs of Node begins so.
  return ['node', program, ...shown].join(' ')
}

function shownArgument(arg: string, table: OptionTable): string {
  const [, flag, value] = FLAG.exec(arg) ?? []
  if (flag === undefined || value === undefined) return shownValue(arg)
  return `--${flag}=${table[flag]?.secret === true ? HIDDEN : shownValue(value)}`
}

function shownValue(value: string): string {
  // As a whole first: a password may have a comma.
  const addresses = withoutPassword(value).split(',')
  return addresses
    .map(address => withoutPassword(address).replace(USER, `$1${HIDDEN}@`))
    .join(',')
    .replace(SECRET_SETTING, `$1${HIDDEN}`)
    .replace(QUERY, `$1${HIDDEN}`)
}
