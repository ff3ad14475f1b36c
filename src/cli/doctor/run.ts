import { resolveTls } from '../../client/tls-options.ts'
import { Report } from '../admin/report.ts'
import type { Context } from '../command.ts'
import type { DoctorOptions } from '../commands/doctor.ts'
import { describeContext } from '../context/named-context.ts'
import { ExitCode } from '../errors.ts'
import { secureOptions, settingsOf } from '../secure-settings.ts'
import { showStatusLine } from '../status-line.ts'
import { plural } from '../units.ts'
import { judge } from './checks/index.ts'
import { collect, type Progress } from './collect.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import type { ProbeOptions } from './probe-options.ts'
import { printFindings } from './report.ts'
import { locate } from './sources.ts'
import { unknownVariables } from './variables.ts'

/** Finds out, judges and prints. The exit code is 1 when something is wrong. */
export async function runDoctor(context: Context<DoctorOptions>): Promise<number> {
  const report = new Report(context)
  const facts = await lookAround(context)
  report.checkStopped()
  const findings = judge(facts)
  if (context.options.json) for (const finding of findings) report.json(findingJson(finding))
  else await printFindings(context, findings)
  return findings.some(({ status }) => status === 'fail') ? ExitCode.failed : ExitCode.done
}

async function lookAround(context: Context<DoctorOptions>): Promise<Facts> {
  const { options, origins = {}, namedContext, env, stderr } = context
  const probing = await probeOptions(context)
  const configuration = {
    ...locate(options, origins),
    context: namedContext === undefined ? undefined : describeContext(namedContext),
    unknownVariables: await unknownVariables(env),
  }
  const progress: Progress = { total: 0, done: 0 }
  const status = await showStatusLine(
    stderr,
    'looking around',
    () => `${progress.done} of ${plural(progress.total, 'daemon')} looked at`,
  )
  try {
    return await collect(configuration, probing, progress)
  } finally {
    status.hide()
  }
}

/** @throws UsageError; NsqError `E_TLS_FILE` */
async function probeOptions({ options, signal }: Context<DoctorOptions>): Promise<ProbeOptions> {
  const plain = { snappy: false, deflate: undefined, deflateLevel: undefined }
  const { tls, authSecret } = await secureOptions(settingsOf({ ...options, ...plain }))
  const wanted = resolveTls(tls)
  return {
    timeoutMs: options.timeout,
    signal,
    tls: wanted ?? { verify: true, minVersion: 'TLSv1.2' },
    wantsTls: wanted !== undefined,
    secret: typeof authSecret === 'string' ? authSecret : undefined,
  }
}

function findingJson({ check, target, status, message, remedy }: Finding): Record<string, unknown> {
  return { check, target, status, message, remedy: remedy ?? null }
}
