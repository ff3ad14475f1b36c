import { option } from '../../util/option.ts'
import { type Command, type Context, defineCommand } from '../command.ts'

const options = {
  json: option.bool('One JSON object a line, with all there is to know but secrets', false, {
    group: 'Output',
  }),
}

export type ContextListOptions = typeof options

export const contextList: Command = defineCommand({
  options,
  description: [
    'On a terminal, a table; elsewhere the names, one a line. A dev that runs in this folder or above is in the table and ' +
      'in the JSON.',
    '--json prints {"name", "how", "file", "current", "taken_here", "values":{}} for each; how is file or dev, the values ' +
      'are by flag.',
  ],
  examples: [
    { command: 'nsq-ts context list', describe: 'all contexts' },
    { command: 'nsq-ts context list --json', describe: 'with what they hold' },
  ],
  async run(context: Context<ContextListOptions>) {
    const { listContexts } = await import('../context/show.ts')
    return listContexts(context)
  },
})
