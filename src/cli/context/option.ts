import { option } from '../../util/option.ts'

/** Of every command that takes addresses of daemons: having it is what makes a command take a context. */
export const contextOption = {
  context: option.string(
    'Take what these flags leave open from this context (nsq-ts context list); none: from no context',
    undefined,
    {
      group: 'Addresses',
      placeholder: 'NAME',
      defaultText: 'that of a dev that runs in this folder or above, else the current one',
    },
  ),
}
