import { type Command, defineCommand } from '../command.ts'

export const completion: Command = defineCommand({
  options: {},
  positional: { name: 'bash|zsh|fish', describe: 'The shell that is to complete', max: 1 },
  description: [
    'The script makes the Tab key complete commands, flags and their values, of nsq-ts and of the official names of its ' +
      'commands: what there is to choose from, files, and the topics, channels and nsqds of the cluster that the flags ' +
      'typed so far, the environment or the context name. Daemons that do not answer within 700 ms (NSQ_COMPLETION_TIMEOUT) are left out.',
    'The file in which the line belongs: ~/.bashrc; ~/.zshrc, below compinit; ~/.config/fish/config.fish.',
  ],
  examples: [
    { command: 'eval "$(nsq-ts completion bash)"', describe: 'bash: in ~/.bashrc' },
    { command: 'source <(nsq-ts completion zsh)', describe: 'zsh: in ~/.zshrc' },
    { command: 'nsq-ts completion fish | source', describe: 'fish: in ~/.config/fish/config.fish' },
  ],
  async run(context) {
    const { printScript } = await import('../completion/script.ts')
    await printScript(context)
  },
})
