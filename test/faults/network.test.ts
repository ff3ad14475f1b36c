/** What happens when packets are lost on the way: the scenarios run in a network of their own, where there can be one. */
import { test } from 'node:test'
import { endWithOutside, isInOwnNetwork, runInOwnNetwork, whyNoNetworks } from './network-namespaces.ts'

if (isInOwnNetwork) {
  endWithOutside()
  await import('./network-scenarios.ts')
} else {
  const skip = whyNoNetworks()
  if (skip === undefined) await runInOwnNetwork()
  else test('in a network of its own', { skip }, () => {})
}
