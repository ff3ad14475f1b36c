import { option } from '../../util/option.ts'
import { type Command, type Context, defineCommand } from '../command.ts'

const options = {
  json: option.bool('One JSON object a line: what was done, and in which file', false, { group: 'Output' }),
}

export type ContextRemoveOptions = typeof options

export const contextRemove: Command = defineCommand({
  options,
  positional: { name: 'name', describe: 'The contexts', max: 1000 },
  description: [
    'Nothing is removed when one of the names is unknown. When it was the current one, there is none any more.',
  ],
  examples: [{ command: 'nsq-ts context remove staging', describe: 'one context' }],
  async run(context: Context<ContextRemoveOptions>) {
    const { removeContexts } = await import('../context/choose.ts')
    return removeContexts(context)
  },
})
