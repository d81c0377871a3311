import { basename, isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { CONDITIONS, type Condition, type ConditionName } from './conditions.ts'
import type { TrackFileConfig } from './config.ts'
import { entry, optional, required, section } from './values/fields.ts'
import type { ValueType } from './values/form.ts'
import { DESTINATION, oneOf, plainName } from './values/types.ts'
import { bad, good, type Parsed } from './values/parsed.ts'
import { listOf, type Mapping, mappingOf } from '../text/unknown-shape.ts'
import type { Fault } from './file/problem.ts'

/** What keepalived, HAProxy and habit call them. */
const SYNONYMS: Readonly<Record<string, ConditionName>> = {
  ...{ leader: 'local-leader', master: 'local-leader', local: 'local-leader', 'local-primary': 'local-leader' },
  ...{ replica: 'replicas', standby: 'replicas', standbys: 'replicas', write: 'primary', 'any-primary': 'primary' },
}

/** A file beside it is renamed over it, and its name is longer: a file system takes 255 bytes. */
const MAX_NAME_BYTES = 200

const TRACK_PATH: ValueType<Parsed<string>> = {
  parse: (value) => {
    const path = DESTINATION.parse(value)
    if (!path.ok || Buffer.byteLength(basename(path.value)) <= MAX_NAME_BYTES) return path
    return bad(`has too long a name: at most ${MAX_NAME_BYTES} bytes`)
  },
  form: { allOf: [DESTINATION.form, { pattern: `/[^/]{1,${MAX_NAME_BYTES}}$` }] },
}

const MEMBER: ValueType<Parsed<string>> = {
  parse: (value) =>
    typeof value === 'string' && value !== '' ? good(value) : bad('must be the name of a member, as text'),
  form: { type: 'string', minLength: 1 },
}

export const TRACK_FILE = {
  path: required(
    TRACK_PATH,
    'Absolute path of the file. It says 1 while the condition is true, else 0, and is replaced as a whole.',
  ),
  when: required(
    oneOf(CONDITIONS, [], SYNONYMS),
    'Condition. `local-leader`: the member on this host is the primary and open for writes, or its sessions are ending for a switchover. `primary`: the cluster has a primary that is open for writes. `replicas`: at least one replica serves reads.',
  ),
  member: optional(MEMBER, 'Patroni member that `local-leader` is about. Default: `name`.'),
  cluster: optional(plainName('cluster'), 'Cluster that the file is about. Default: the only one.'),
}

export const TRACK = {
  files: z
    .array(entry(TRACK_FILE, 'One track file.'))
    .nullish()
    .meta({ description: 'Track files, rewritten whenever their condition changes.' }),
}

/** `null`: the section is empty, or not there. */
export const TRACK_SECTION = section(
  TRACK,
  'Files for keepalived that say 1 or 0. With `track` and no `proxy` section the proxy is off.',
)

type TrackSection = z.infer<typeof TRACK_SECTION>

/** What `local-leader` needs to know of a cluster. */
export interface Local {
  readonly name: string
  readonly localMember: string | null
}

/** Builds the track files. */
export function trackConfig({ files }: TrackSection, clusters: readonly Local[]): readonly TrackFileConfig[] {
  return (files ?? []).map(({ path, when, member, cluster }) => {
    const about = clusterOf(cluster, clusters)
    return { path, cluster: about?.name ?? '', condition: conditionOf(when, member ?? about?.localMember ?? '') }
  })
}

/** Returns the cluster that is named, else the first one. */
function clusterOf(named: unknown, clusters: readonly Local[]): Local | undefined {
  return clusters.find(({ name }) => name === named) ?? clusters[0]
}

function conditionOf(name: ConditionName, member: string): Condition {
  return name === 'local-leader' ? { name, member } : { name }
}

/** Returns what is wrong between keys of track files of which each is right. */
export function checkTrack(tree: Mapping, clusters: readonly Local[]): Fault[] {
  const sections = sectionsOf(tree)
  const paths = sections.map(({ path }) => (typeof path === 'string' ? normalize(path) : null))
  return sections.flatMap(({ when, member = null, cluster = null }, at): Fault[] => {
    const fault = (key: string, message: string): Fault => ({ path: ['track', 'files', String(at), key], message })
    const faults: Fault[] = []
    const path = paths[at] ?? null
    if (path !== null && paths.indexOf(path) < at)
      faults.push(fault('path', `is the path of track.files.${paths.indexOf(path)} already`))
    if (when === 'local-leader') {
      const about = clusterOf(cluster, clusters)
      if (member === null && (about?.localMember ?? null) === null)
        faults.push(fault('member', 'is required: the Patroni member on this host (or set name, or PATRONI_NAME)'))
    } else if (member !== null && CONDITIONS.some((name) => name === when))
      faults.push(fault('member', `cannot be used with ${String(when)}: only local-leader is about one member`))
    return faults
  })
}

/** Returns the paths of the track files, and where each is written. */
export function trackPaths(tree: Mapping): readonly { readonly path: string; readonly at: readonly string[] }[] {
  return sectionsOf(tree).flatMap(({ path }, index) => {
    const isPath = typeof path === 'string' && isAbsolute(path)
    return isPath ? [{ path: normalize(path), at: ['track', 'files', String(index), 'path'] }] : []
  })
}

function sectionsOf({ track }: Mapping): readonly Mapping[] {
  return listOf(mappingOf(track)['files']).map(mappingOf)
}
