import { isDeepStrictEqual } from 'node:util'
import { POLICY, type Policy } from './policy.ts'

/** A package in package-lock.json, as far as it is looked at. */
export interface LockedPackage {
  readonly version?: string
  /** Where it comes from; without it, from the registry that npm is configured to use. */
  readonly resolved?: string
  readonly integrity?: string
  /** An SPDX expression; old packages have other things here, or nothing. */
  readonly license?: unknown
  /** Only needed for development. */
  readonly dev?: boolean
  /** A folder of this machine. */
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface Lockfile {
  readonly lockfileVersion?: number
  /** By path: `node_modules/chalk`; the project itself is ``. */
  readonly packages?: Readonly<Record<string, LockedPackage>>
}

/** What package.json and the lockfile must say alike. Of the first, nothing else is looked at. */
const SHARED = [
  'version',
  'bin',
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'engines',
] as const
export type Manifest = Readonly<Partial<Record<(typeof SHARED)[number], unknown>>>

const REGISTRY = 'https://registry.npmjs.org/'
const VERSION = /^\d+\.\d+\.\d+(-[\w.-]+)?$/
/** 1.2.3, ~1.2.3 or ^1.2.3: no tags, no `*`, nothing that is not of the registry. */
const DECLARED = /^[\^~]?\d+\.\d+\.\d+(-[\w.-]+)?$/
const SHA512 = /^sha512-[\w+/]{86}==$/

/** What is wrong with a lockfile, a line each: what is not pinned, not licensed, or runs a program at install. */
export function complaints(lock: Lockfile, manifest: Manifest, policy: Policy = POLICY): string[] {
  const { '': root, ...locked } = lock.packages ?? {}
  if (lock.lockfileVersion !== 3 || root === undefined) {
    return ['package-lock.json: not of version 3, which npm 7 and later write']
  }
  const used = new Set<string>()
  return [
    ...outOfStep(root, manifest),
    ...Object.entries(locked).flatMap(([path, entry]) => {
      const name = nameOf(path)
      const found = [
        ...pinning(entry),
        ...licensing(name, entry, policy, used),
        ...installing(name, entry, policy, used),
      ]
      return found.map(text => `${name}@${entry.version} ${text} (${path})`)
    }),
    ...unused(policy, used),
  ]
}

/** The names of what comes with the dependencies of package.json when nsq-ts is installed, optional ones too. */
export function broughtAtRunTime({ packages = {} }: Lockfile): string[] {
  const declared = Object.keys(packages['']?.dependencies ?? {})
  const atRunTime = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  return [...new Set(atRunTime.map(([path]) => nameOf(path)))].filter(name => !declared.includes(name)).sort()
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function outOfStep(root: LockedPackage, manifest: Manifest): string[] {
  return [
    ...SHARED.filter(field => !isDeepStrictEqual(Reflect.get(root, field), manifest[field])).map(
      field => `package-lock.json: its "${field}" is not that of package.json; npm install mends it`,
    ),
    ...[manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
      .flatMap(section => Object.entries(section ?? {}))
      .filter(([, range]) => !DECLARED.test(String(range)))
      .map(([name, range]) => `package.json: ${name} is "${range}", which is no version of the registry`),
  ]
}

function* pinning({
  version = '',
  resolved,
  integrity = '',
  link,
  ...entry
}: LockedPackage): Iterable<string> {
  if (link === true) {
    yield 'is a folder of this machine'
    return
  }
  if (!VERSION.test(version)) yield 'has no exact version'
  if (resolved?.startsWith(REGISTRY) === false) yield `comes from ${resolved}, not from the registry`
  if (!SHA512.test(integrity)) yield 'has no sha512 that its contents are checked by'
  for (const [name, range] of Object.entries({ ...entry.dependencies, ...entry.optionalDependencies })) {
    // An alias, npm:other@1, is of the registry; a URL, a path or user/repository is not.
    if (/[:/]/.test(range) && !range.startsWith('npm:')) yield `wants ${name} from ${range}`
  }
}

function* licensing(name: string, entry: LockedPackage, policy: Policy, used: Set<string>): Iterable<string> {
  const exact = `${name}@${entry.version}`
  const undeclared = entry.license === undefined ? policy.undeclared[exact] : undefined
  if (undeclared !== undefined) used.add(exact)
  const licence = undeclared?.licence ?? entry.license
  if (typeof licence !== 'string') {
    yield 'declares no licence'
    return
  }
  const isAllowed = (id: string): boolean => {
    if (policy.licences.includes(id)) return true
    if (entry.dev !== true || policy.licencesForDevelopment[id] === undefined) return false
    used.add(id)
    return true
  }
  if (!holds(licence, isAllowed)) {
    yield `has the licence ${licence}, which is not allowed ${entry.dev === true ? 'here' : 'at run time'}`
  }
}

/** Of `A OR B` one is enough, of `A AND B` both count. Brackets within brackets are not read: nothing has them. */
function holds(expression: string, isAllowed: (id: string) => boolean): boolean {
  const bare = expression.replace(/^\((.*)\)$/, '$1')
  return bare.split(' OR ').some(part => part.split(' AND ').every(isAllowed))
}

function* installing(
  name: string,
  entry: LockedPackage,
  policy: Policy,
  used: Set<string>,
): Iterable<string> {
  if (entry.hasInstallScript !== true) return
  if (entry.dev !== true) yield 'runs a program when it is installed, at users, too'
  else if (policy.installScripts[name] === undefined) yield 'runs a program when it is installed'
  else used.add(name)
}

function unused(policy: Policy, used: ReadonlySet<string>): string[] {
  const { licencesForDevelopment, undeclared, installScripts } = policy
  return [licencesForDevelopment, undeclared, installScripts]
    .flatMap(exceptions => Object.keys(exceptions))
    .filter(key => !used.has(key))
    .map(key => `scripts/dependencies/policy.ts: the exception for ${key} is not needed any more`)
}
