/** The native families about templates, hooks and track files. */
import type { GroupState, TemplatesStatus } from '../../templates/status.ts'
import { type Family, one, oneOf, type Sample } from './family.ts'

type Labels = Sample['labels']

const EVERY_STATE: Readonly<Record<GroupState, null>> = {
  ...{ waiting: null, 'in-sync': null, pending: null, kept: null, failed: null },
}
const GROUP_STATES = Object.keys(EVERY_STATE)

/** Makes samples of the templates, where there are some. */
function of(make: (templates: TemplatesStatus) => Iterable<Sample>): Family['samples'] {
  return ({ status: { templates } }) => (templates === null ? [] : make(templates))
}

/** Makes a sample for each of the two results. */
function* results(runs: number, failures: number, labels: Labels, passed = 'succeeded'): Iterable<Sample> {
  yield { labels: { ...labels, result: passed }, value: runs - failures }
  yield { labels: { ...labels, result: 'failed' }, value: failures }
}

export const TEMPLATE_FAMILIES: readonly Family[] = [
  {
    name: 'patroni_router_template_group_state',
    help: 'State of the templates that change together: 1 for the present one, 0 for all others.',
    ...{ type: 'gauge', labels: ['group', 'state'] },
    samples: of(function* ({ groups }) {
      for (const { name, state } of groups) yield* oneOf(GROUP_STATES, state, { group: name })
    }),
  },
  {
    name: 'patroni_router_template_renders_total',
    help: 'Times a template was rendered.',
    ...{ type: 'counter', labels: ['destination'] },
    samples: of(function* ({ groups }) {
      for (const { templates } of groups)
        for (const { destination, renders } of templates) yield* one(renders, { destination })
    }),
  },
  {
    name: 'patroni_router_template_checks_total',
    help: 'Runs of the check of a template, by result.',
    ...{ type: 'counter', labels: ['destination', 'result'] },
    samples: of(function* ({ groups }) {
      for (const { templates } of groups)
        for (const { destination, checks, checkFailures } of templates)
          yield* results(checks, checkFailures, { destination }, 'passed')
    }),
  },
  {
    name: 'patroni_router_reloads_total',
    help: 'Runs of the reload command of a group, by result.',
    ...{ type: 'counter', labels: ['group', 'result'] },
    samples: of(function* ({ groups }) {
      for (const { name, reload } of groups)
        if (reload !== null) yield* results(reload.runs, reload.failures, { group: name })
    }),
  },
  {
    name: 'patroni_router_template_keys_up',
    help: '1: the keys that templates read are being read.',
    ...{ type: 'gauge', labels: ['cluster', 'root'] },
    samples: of(function* ({ keys }) {
      for (const { cluster, root, state } of keys) yield* one(Number(state === 'up'), { cluster, root })
    }),
  },
  {
    name: 'patroni_router_hooks_total',
    help: 'Runs of a hook, by result.',
    ...{ type: 'counter', labels: ['hook', 'cluster', 'result'] },
    samples: of(function* ({ hooks }) {
      for (const { name, cluster, runs, failures } of hooks) yield* results(runs, failures, { hook: name, cluster })
    }),
  },
  {
    name: 'patroni_router_track_met',
    help: '1: the condition of the track file is met.',
    ...{ type: 'gauge', labels: ['path', 'cluster', 'condition'] },
    *samples({ status: { track } }) {
      for (const { path, cluster, when, holds } of track)
        yield* one(Number(holds === true), { path, cluster, condition: when })
    },
  },
  {
    name: 'patroni_router_track_error',
    help: '1: the track file cannot be written.',
    ...{ type: 'gauge', labels: ['path', 'cluster'] },
    *samples({ status: { track } }) {
      for (const { path, cluster, error } of track) yield* one(Number(error !== null), { path, cluster })
    },
  },
]
