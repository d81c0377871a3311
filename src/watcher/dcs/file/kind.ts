/** A cluster that a person describes in a YAML file: for Postgres without Patroni, and for a DCS out of reach. */
import { isAbsolute, join, normalize } from 'node:path'
import type { DcsConfig } from '../../../config/config.ts'
import { checkOnlyKey, type DcsResult, type Origin } from '../../../config/dcs/kind.ts'
import type { Fault } from '../../../config/file/problem.ts'
import type { Form } from '../../../config/values/form.ts'
import { show } from '../../../config/values/parsed.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import { type DcsKind, deferred } from '../kind.ts'

export interface FileConfig extends DcsConfig {
  readonly kind: typeof NAME
  /** Absolute, or relative to the working directory. */
  readonly path: string
}

const NAME = 'file'
const WHAT = 'description of the cluster (file.path)'

const FORM: Form = {
  type: ['object', 'null'],
  description: 'Where the cluster is observed instead of a DCS: a file that describes it.',
  required: ['path'],
  properties: {
    path: {
      type: 'string',
      minLength: 1,
      description: 'YAML file that describes the cluster, watched for changes; relative to the configuration file.',
    },
  },
  additionalProperties: false,
}

export const file: DcsKind<FileConfig> = {
  name: NAME,
  patroni: null,
  needed: { key: 'path', how: 'file.path' },
  addresses: [],
  passwords: [],
  form: FORM,
  hasKeys: false,
  resolve,
  identify: ({ path }, { scope }) => [path, scope],
  reads: ({ path }) => (typeof path === 'string' ? [{ path, what: `the ${WHAT}` }] : []),
  describe: ({ path }) => `none: the cluster is described in ${path}`,
  files: ({ path }) => ({ others: [{ path, what: WHAT }] }),
  create({ path }, { cluster }) {
    const { intervalMs } = cluster.proxy.check
    return deferred({ kind: NAME, leaderFrom: 'description', absence: null }, async () => {
      const { FileDcs } = await import('./file-dcs.ts')
      return new FileDcs({ path, intervalMs })
    })
  },
}

function resolve(section: unknown, { directory, files }: Origin): DcsResult<FileConfig> {
  const faults = [...checkOnlyKey(NAME, section, 'path', '{path: cluster.yml}')]
  const path = isMapping(section) ? (section['path'] ?? '') : null
  if (path === null) return { value: null, faults, warnings: [] }
  const report = (message: string): void => void faults.push({ path: [NAME, 'path'], message })
  if (typeof path !== 'string') report(`${show(path)} is not the path of a file`)
  else if (path === '') report('is required: a YAML file that describes the cluster')
  if (faults.length > 0 || typeof path !== 'string') return { value: null, faults, warnings: [] }
  const full = isAbsolute(path) ? normalize(path) : join(directory, path)
  const isItself = files.some((each) => full === normalize(each))
  const itself: Fault = {
    path: [NAME, 'path'],
    message: 'is the configuration file itself: the cluster is described in a file of its own',
  }
  return isItself
    ? { value: null, faults: [itself], warnings: [] }
    : { value: { kind: NAME, path: full }, faults: [], warnings: [] }
}
