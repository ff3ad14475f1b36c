import { option } from '../../util/option.ts'
import { type Command, type Context, defineCommand } from '../command.ts'

const options = {
  json: option.bool('Print one JSON line: what was done, and in which file', false, { group: 'Output' }),
}

export type ContextUseOptions = typeof options

export const contextUse: Command = defineCommand({
  options,
  positional: { name: 'name', describe: 'The context, or none', max: 1 },
  description: [
    'Commands take the current context when no address is given, by a flag or a variable, and no dev runs in their folder ' +
      'or above. With none there is no current one any more.',
  ],
  examples: [
    { command: 'nsq-ts context use prod', describe: 'from now on' },
    { command: 'nsq-ts context use none', describe: 'no more' },
  ],
  async run(context: Context<ContextUseOptions>) {
    const { useContext } = await import('../context/choose.ts')
    return useContext(context)
  },
})
