import type { CommandHandler } from '../protocol/command-reader.ts'
import { ProtocolError } from '../protocol/errors.ts'

/** Stands before a client's commands until it has TLS, where TLS is required: lets nothing but IDENTIFY through. */
export class TlsGate implements CommandHandler {
  readonly #behind: CommandHandler

  constructor(behind: CommandHandler) {
    this.#behind = behind
  }

  IDENTIFY(bytes: Buffer, start: number, end: number): void {
    this.#behind.IDENTIFY(bytes, start, end)
  }

  AUTH(): void {
    refuse('AUTH')
  }

  PUB(): void {
    refuse('PUB')
  }

  MPUB(): void {
    refuse('MPUB')
  }

  DPUB(): void {
    refuse('DPUB')
  }

  SUB(): void {
    refuse('SUB')
  }

  RDY(): void {
    refuse('RDY')
  }

  FIN(): void {
    refuse('FIN')
  }

  REQ(): void {
    refuse('REQ')
  }

  TOUCH(): void {
    refuse('TOUCH')
  }

  CLS(): void {
    refuse('CLS')
  }

  NOP(): void {
    refuse('NOP')
  }

  topicNamed(): void {
    refuse('MPUB')
  }
}

function refuse(command: string): never {
  throw new ProtocolError('E_INVALID', `cannot ${command} in current state (TLS required)`)
}
