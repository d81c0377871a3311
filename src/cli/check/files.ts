import { constants } from 'node:fs'
import { access, lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AccountIds } from '../../account-ids.ts'
import { readTokens } from '../../admin/http/tokens.ts'
import type { ClusterConfig, Config } from '../../config/config.ts'
import { kindOf } from '../../config/dcs/kind.ts'
import { explain, failureOf } from '../../errors.ts'
import {
  type CertificateFiles,
  Certificates,
  type CertificateSettings,
  REST_SETTINGS,
} from '../../watcher/tls/certificates.ts'
import { DCS_KINDS } from '../../watcher/dcs/kinds.ts'

export interface Findings {
  readonly problems: readonly string[]
  /** What may be as it is meant to be. */
  readonly warnings: readonly string[]
  /** What a start would fail of now, and may be over by then. */
  readonly passing?: readonly string[]
  /** What is as it should be, and worth knowing. */
  readonly notes?: readonly string[]
}

/**
 * Finds what a valid configuration names and this machine does not have. Reads and looks up; opens and changes nothing.
 */
export async function checkFiles(config: Config): Promise<Findings> {
  const each = await Promise.all([
    ...config.keys.map((cluster) => checkClusterFiles(cluster)),
    checkStateDir(config.stateDir),
    checkSocketDirectory(config.admin),
    checkSocketGroup(config.admin),
    checkHttpFiles(config.admin),
    ...config.track.files.map(({ path }, index) => checkTrackFile(path, `track.files.${index}.path`)),
    checkTrackLinks(config),
  ])
  return {
    // What clusters have in common is found for each of them.
    problems: [...new Set(each.flatMap(({ problems }) => problems))],
    warnings: [...new Set(each.flatMap(({ warnings }) => warnings))],
    passing: [...new Set(each.flatMap(({ passing = [] }) => passing))],
  }
}

/** Checks the files that a cluster is read with and from. */
async function checkClusterFiles({ dcs, restApi }: ClusterConfig): Promise<Findings> {
  const { certificates, others = [] } = kindOf(dcs, DCS_KINDS).files?.(dcs) ?? {}
  // The configuration no longer tells which of the two it is.
  const settings = { ...REST_SETTINGS, ca: `${REST_SETTINGS.ca} or restapi.cafile` }
  const each = [checkCertificates('the REST API', restApi, settings)]
  if (certificates !== undefined)
    each.push(checkCertificates(certificates.peer, certificates.files, certificates.settings))
  const unread = await readable(others.map(({ path, what }) => [what, path]))
  const found = await Promise.all(each)
  return {
    problems: [...found.flatMap(({ problems }) => problems), ...unread],
    warnings: [],
    passing: found.flatMap(({ passing = [] }) => passing),
  }
}

/**
 * Checks certificates. A certificate without its key may be gone soon: both are replaced one after the other.
 */
async function checkCertificates(
  peer: string,
  files: CertificateFiles,
  settings: CertificateSettings,
): Promise<Findings> {
  const problems = await readable([
    [`CA certificates for ${peer} (${settings.ca})`, files.caFile],
    [`client certificate for ${peer} (${settings.cert})`, files.certFile],
    [`key of the client certificate for ${peer} (${settings.key})`, files.keyFile],
  ])
  // Without any file the trust of the system is not loaded for nothing.
  const isNone = files.caFile === null && files.certFile === null && files.keyFile === null
  const passing = isNone || problems.length > 0 ? [] : useless(files, settings)
  return { problems, warnings: [], passing }
}

/** Returns why readable files are unusable; empty: they can be used. */
function useless(files: CertificateFiles, settings: CertificateSettings): string[] {
  try {
    new Certificates(files, { settings }).read()
    return []
  } catch (error) {
    return [explain(error)]
  }
}

/** Returns why files cannot be read; empty: all can. */
async function readable(files: readonly (readonly [what: string, path: string | null])[]): Promise<string[]> {
  const problems = await Promise.all(
    files.map(async ([what, path]) =>
      path === null ? [] : (await unreadable(path)).map((why) => `${path}: ${why}: ${what}`),
    ),
  )
  return problems.flat()
}

/** Returns why a file cannot be read; empty: it can. */
export async function unreadable(path: string): Promise<string[]> {
  try {
    await access(path, constants.R_OK)
    return (await stat(path)).isFile() ? [] : ['is not a file']
  } catch (error) {
    return [reason(error, 'no such file', 'cannot be read by this user')]
  }
}

function reason(error: unknown, missing: string, denied: string): string {
  const failure = failureOf(error)
  return failure === 'missing' ? missing : failure === 'denied' ? denied : explain(error)
}

/** Checks `state_dir`. The router creates it, but not its parent: that would hide a typing mistake. */
async function checkStateDir(path: string | null): Promise<Findings> {
  if (path === null) return { problems: [], warnings: [] }
  const why = await unusable(path)
  if (why !== MISSING) return { problems: why === null ? [] : [`state_dir: ${path}: ${why}`], warnings: [] }
  const parent = await unusable(dirname(path))
  const problems = parent === null ? [] : [`state_dir: ${path}: cannot be made: ${dirname(path)}: ${parent}`]
  return { problems, warnings: [] }
}

/** Checks the directories of the admin socket, which the router creates. The default socket prevents no start. */
async function checkSocketDirectory({ socket: { path, isDefault } }: Config['admin']): Promise<Findings> {
  const found: string[] = []
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const why = await unusable(directory)
    if (why === MISSING && directory !== dirname(directory)) continue
    if (why !== null) found.push(`admin.socket: ${path}: its directory cannot be made or written: ${directory}: ${why}`)
    break
  }
  return isDefault ? { problems: [], warnings: found } : { problems: found, warnings: [] }
}

/** Checks that this machine has the group of the admin socket. */
async function checkSocketGroup({ socket: { group } }: Config['admin']): Promise<Findings> {
  const why = group === null ? null : await new AccountIds().idOf('group', group).then(() => null, explain)
  return { problems: why === null ? [] : [`admin.group: ${why}`], warnings: [] }
}

/** Checks the certificate of HTTP and its tokens. */
async function checkHttpFiles({ http: { tls, tokenFile } }: Config['admin']): Promise<Findings> {
  const problems = await readable([
    ['certificate of HTTP (admin.tls.cert_file)', tls?.certFile ?? null],
    ['key of that certificate (admin.tls.key_file)', tls?.keyFile ?? null],
  ])
  const settings = { ca: '', cert: 'admin.tls.cert_file', key: 'admin.tls.key_file' }
  const passing = tls === null || problems.length > 0 ? [] : useless({ caFile: null, ...tls }, settings)
  const tokens =
    tokenFile === null
      ? []
      : await readTokens(tokenFile).then(
          () => [],
          (error: unknown) => [explain(error)],
        )
  return { problems: [...problems, ...tokens], warnings: [], passing }
}

/** Checks the directory of a track file, which is created as well; its parent is not. */
async function checkTrackFile(path: string, key: string): Promise<Findings> {
  const directory = dirname(path)
  const why = await unusable(directory)
  const parent = why === MISSING ? await unusable(dirname(directory)) : null
  const problems =
    why === null || (why === MISSING && parent === null)
      ? (await isFileOrMissing(path))
        ? []
        : [`${key}: ${path}: is there and is not a file`]
      : [`${key}: ${path}: ${parent === null ? `its directory ${why}` : `${dirname(directory)}: ${parent}`}`]
  return { problems, warnings: [] }
}

/** Finds one file under two names, which the configuration alone does not show. */
async function checkTrackLinks({ track: { files } }: Config): Promise<Findings> {
  const real = await Promise.all(
    // A directory that is not there has one name.
    files.map(async ({ path }) => join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path))),
  )
  const problems = real.flatMap((path, index) => {
    const before = real.indexOf(path)
    return before < index
      ? [`track.files.${index}.path: ${files[index]?.path} is the file of track.files.${before}`]
      : []
  })
  return { problems, warnings: [] }
}

async function isFileOrMissing(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile()
  } catch {
    // Whatever else is in the way, writing it tells.
    return true
  }
}

const MISSING = 'no such directory'

/** Returns why nothing can be made in a directory; null: it can. */
export async function unusable(directory: string): Promise<string | null> {
  try {
    if (!(await stat(directory)).isDirectory()) return 'is not a directory'
    await access(directory, constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    return reason(error, MISSING, 'cannot be written by this user')
  }
}
