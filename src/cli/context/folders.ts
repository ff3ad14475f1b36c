import { readdirSync } from 'node:fs'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** Where the contexts are kept; undefined when there is no home folder. */
export function contextsFile(env: Environment): string | undefined {
  const folder =
    env['NSQ_CONFIG_DIR'] || inFolder(env['XDG_CONFIG_HOME'] || inFolder(home(env), '.config'), 'nsq-ts')
  return inFolder(folder, 'contexts.toml')
}

/**
 * Where a running `dev` says where it is, the best first. All of them are looked at: not every way to a shell sets
 * `XDG_RUNTIME_DIR`.
 */
export function offerFolders(env: Environment): string[] {
  return [env['XDG_RUNTIME_DIR'], env['XDG_CACHE_HOME'] || inFolder(home(env), '.cache')].flatMap(
    folder => inFolder(folder, 'nsq-ts', 'dev') ?? [],
  )
}

/** Whether some dev has said where it is, or has left something behind. */
export function hasOffers(env: Environment): boolean {
  return offerFolders(env).some(folder => {
    try {
      return readdirSync(folder).length > 0
    } catch {
      return false
    }
  })
}

/** Not os.homedir(), which finds one where the environment has none: what has no home is to have no surprises. */
function home(env: Environment): string | undefined {
  return env['HOME'] || env['USERPROFILE'] || undefined
}

function inFolder(folder: string | undefined, ...names: string[]): string | undefined {
  return folder ? join(folder, ...names) : undefined
}
