import { option, type OptionTable } from '../../util/option.ts'
import { type Command, type Context, defineCommand } from '../command.ts'

const options = {
  's3-endpoint': option.string('An S3-compatible server, in place of AWS', undefined, {
    group: 'Input',
    placeholder: 'URL',
  }),
  json: option.bool(
    'One JSON object a line: each file, what is wrong with it, and a summary at the end',
    false,
    {
      group: 'Output',
    },
  ),
} satisfies OptionTable

export type ArchiveVerifyOptions = typeof options

export const archiveVerify: Command = defineCommand({
  options,
  positional: { name: 'output', describe: 'A folder, or s3://BUCKET/PREFIX', max: 1 },
  description: [
    'Reads every file that the manifests there list (see archive --manifest), in folders below, too, and compares: is it ' +
      'there, has it as many bytes, are they the same (SHA-256), does it decompress to its end, has it as many messages. ' +
      'In files of lines a message with newlines is several lines: there it only sees when there are too few.',
    'What is wrong is named on stderr, and the exit code is 1. Files that no manifest lists are no fault: they are being ' +
      'written, or of a run without --manifest. On a terminal there is a table of what was found; without one, nothing.',
    '--json prints {"file", "manifest", "topic", "messages", "bytes", "ok", "problems":[{"name", ' +
      '"text"}]} for each file, the name being missing, unreadable, bytes, sha256, damaged or messages; ' +
      '{"manifest", "ok":false, "problem"} for a manifest that cannot be read; {"file", ' +
      '"unlisted":true}; and last {"summary":true, "files", "wrong", "unlisted", "messages", "bytes", ' +
      '"seconds", "ok"}.',
  ],
  examples: [
    { command: 'nsq-ts archive verify /var/archive', describe: 'check a folder' },
    { command: 'nsq-ts archive verify s3://bucket/logs', describe: 'check what is in S3; reads all of it' },
    {
      command: `nsq-ts archive verify /var/archive --json | jq -r 'select(.ok == false and .file) | .file'`,
      describe: 'the names of the files that are damaged',
    },
  ],
  async run(context: Context<ArchiveVerifyOptions>) {
    const { runVerify } = await import('../archive/verify.ts')
    return runVerify(context)
  },
})
