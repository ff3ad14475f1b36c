/** Whether one version is older than another (https://semver.org); what is no version is older than any that is. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [parse(a), parse(b)]
  for (const i of [0, 1, 2]) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  // 1.3.0-alpha comes before 1.3.0.
  if (left.pre === '' || right.pre === '') return left.pre !== '' && right.pre === ''
  return left.pre < right.pre
}

function parse(version: string): { numbers: number[]; pre: string } {
  const [, numbers = '0.0.0', pre = ''] = /^v?(\d+\.\d+\.\d+)(?:-([\w.-]+))?/.exec(version) ?? []
  return { numbers: numbers.split('.').map(Number), pre }
}
