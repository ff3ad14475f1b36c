import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificates } from '../support/certificates.ts'

/** The flags of an nsqd with a certificate, whose files are put into the folder. */
export async function tlsFiles(
  folder: string,
): Promise<{ tlsCert: string; tlsKey: string; tlsRootCaFile: string; httpsAddress: string }> {
  const { ca, server } = await certificates()
  return {
    tlsCert: file(folder, 'cert.pem', server.cert),
    tlsKey: file(folder, 'key.pem', server.key),
    tlsRootCaFile: file(folder, 'ca.pem', ca.cert),
    httpsAddress: '127.0.0.1:0',
  }
}

/** Writes a file and gives its path. */
export function file(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
