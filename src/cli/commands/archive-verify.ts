import { type Command, defineCommand } from '../command.ts'

export const archiveVerify: Command = defineCommand({
  options: {},
  positional: { name: 'output', describe: 'The folder, or s3://BUCKET/PREFIX', max: 1 },
  description: [],
  examples: [{ command: 'nsq-ts archive verify /var/archive', describe: 'check a folder' }],
  async run() {},
})
