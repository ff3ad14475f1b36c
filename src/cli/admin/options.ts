/** Flags of the commands that steer a cluster. */
import { option } from '../../util/option.ts'
import { clusterOptions } from '../cluster-options.ts'

const output = { group: 'Output' }

export const listOptions = {
  ...clusterOptions,
  json: option.bool('One JSON object a line, with all there is to know', false, output),
}

export const changeOptions = {
  ...clusterOptions,
  json: option.bool('One JSON object a line: what was done, and where', false, output),
}

export const destructiveOptions = {
  yes: option.bool('Do not ask; needed where nobody can be asked', false, { alias: 'y', flagOnly: true }),
  ...changeOptions,
}

export type ListOptions = typeof listOptions
export type ChangeOptions = typeof changeOptions
export type DestructiveOptions = typeof destructiveOptions
