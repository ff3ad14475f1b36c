import { option, type Option, type OptionValues } from '../util/option.ts'

const group = { group: 'Connection' }
const file = { ...group, placeholder: 'FILE' }

/** How the tools speak to nsqd: TLS, compression, authorization. Each is in the table of every command that does. */
export const connectionOptions = {
  tls: unset(option.bool('Connect with TLS; any other --tls flag implies it', false, group)),
  'tls-ca': option.string(
    "Certificates to trust in place of the system's (PEM); https nsqlookupds too",
    undefined,
    file,
  ),
  'tls-cert': option.string('The certificate to show (PEM), where nsqd asks for one', undefined, file),
  'tls-key': option.string('The private key of --tls-cert (PEM)', undefined, file),
  'tls-server-name': option.string("The name that nsqd's certificate must have", undefined, {
    ...group,
    placeholder: 'NAME',
    defaultText: 'the host connected to',
  }),
  'tls-insecure': option.bool(
    'Take any certificate, so that anybody could pose as nsqd: for tests only',
    false,
    group,
  ),
  snappy: option.bool('Compress with snappy, where nsqd agrees', false, group),
  deflate: unset(option.bool('Compress with deflate, where nsqd agrees', false, group)),
  'deflate-level': option.int('How hard deflate tries; implies --deflate', undefined, {
    ...group,
    min: 1,
    max: 9,
    defaultText: '6',
  }),
  'auth-secret': option.string(
    'The secret for an nsqd with authorization; better in NSQ_AUTH_SECRET, as others may see a command line',
    undefined,
    { ...group, placeholder: 'SECRET', secret: true },
  ),
}

/** One of these on the command line counts, and the environment's other one does not. */
export const compressionAlternatives = ['snappy', 'deflate', 'deflate-level'] as const

export type ConnectionFlags = OptionValues<typeof connectionOptions>

/** A switch for which "not given" is not "off", as others imply it. */
function unset(option: Option<boolean>): Option<boolean | undefined> {
  return { ...option, default: undefined }
}
