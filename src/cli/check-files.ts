import { lookup } from 'node:dns/promises'
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { ClusterConfig, Config } from '../config/config.ts'
import { explain, failureOf } from '../errors.ts'

export interface Findings {
  readonly problems: readonly string[]
  /** What may be as it is meant to be. */
  readonly warnings: readonly string[]
}

/** What a valid configuration names and this machine does not have. Reads and looks up; opens and changes nothing. */
export async function checkFiles(config: Config): Promise<Findings> {
  const each = await Promise.all(config.clusters.flatMap((cluster) => [checkRestApi(cluster), checkListeners(cluster)]))
  return {
    problems: each.flatMap(({ problems }) => problems),
    warnings: each.flatMap(({ warnings }) => warnings),
  }
}

async function checkRestApi({ restApi }: ClusterConfig): Promise<Findings> {
  const files: readonly (readonly [what: string, path: string | null])[] = [
    ['CA certificates for the REST API (ctl.cacert or restapi.cafile)', restApi.caFile],
    ['client certificate for the REST API (ctl.certfile)', restApi.certFile],
    ['key of the client certificate for the REST API (ctl.keyfile)', restApi.keyFile],
  ]
  const problems = await Promise.all(
    files.map(async ([what, path]) =>
      path === null ? [] : (await unreadable(path)).map((why) => `${path}: ${why}: ${what}`),
    ),
  )
  return { problems: problems.flat(), warnings: [] }
}

async function unreadable(path: string): Promise<string[]> {
  try {
    await access(path, constants.R_OK)
    return (await stat(path)).isFile() ? [] : ['is not a file']
  } catch (error) {
    const failure = failureOf(error)
    return [
      failure === 'missing' ? 'no such file' : failure === 'denied' ? 'cannot be read by this user' : explain(error),
    ]
  }
}

async function checkListeners({ proxy }: ClusterConfig): Promise<Findings> {
  const problems: string[] = []
  const warnings: string[] = []
  const local = Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses?.map(({ address }) => address) ?? [],
  )
  const isLocal = (address: string): boolean =>
    local.includes(address) || ['0.0.0.0', '::'].includes(address) || address.startsWith('127.')
  for (const { name, host } of proxy.listeners) {
    if (host === null) continue
    const subject = `proxy.listeners.${name}.bind: ${host}`
    try {
      const address = isIP(host) === 0 ? (await lookup(host)).address : host
      if (!isLocal(address)) warnings.push(`${subject}: not an address of this machine now`)
    } catch (error) {
      problems.push(`${subject}: ${failureOf(error) === 'unresolved' ? 'the name does not resolve' : explain(error)}`)
    }
  }
  return { problems, warnings }
}
