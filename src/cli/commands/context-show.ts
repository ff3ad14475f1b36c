import { option } from '../../util/option.ts'
import { type Command, type Context, defineCommand } from '../command.ts'

const options = {
  json: option.bool('Print one JSON line, as context list does', false, { group: 'Output' }),
}

export type ContextShowOptions = typeof options

export const contextShow: Command = defineCommand({
  options,
  positional: { name: 'name', describe: 'The context; the one that is taken here unless given', max: 1 },
  description: [
    'What it holds, as in the file, with *** for secrets. Without a name: what commands take that run in this folder and ' +
      'are given no address. The exit code is 1 when there is no such context.',
  ],
  examples: [
    { command: 'nsq-ts context show', describe: 'where would a command go from here?' },
    { command: 'nsq-ts context show prod --json', describe: 'one context' },
  ],
  async run(context: Context<ContextShowOptions>) {
    const { showContext } = await import('../context/show.ts')
    return showContext(context)
  },
})
