/**
 * The documented shape of `status --json`, an interface for scripts: what is in here changes with its format only, whatever
 * the parts of the router are called. Published as docs/status.schema.json (`npm run docs`); the router itself reads the
 * types alone.
 */
import { z } from 'zod'
import { STATUS_FORMAT } from './json.ts'
import { cluster } from './schema-cluster.ts'
import { command, count, flag, sourceState, text, time, whole } from './schema-fields.ts'

const group = z.strictObject({
  name: text('The reload group, or the destination of a template of its own.'),
  clusters: z.array(z.string()).describe('Those that its templates are about.'),
  state: z
    .enum(['waiting', 'in-sync', 'pending', 'kept', 'failed'])
    .describe(
      '`in-sync`: the files are as the templates say, and reloaded. `pending`: a change is on its way. `waiting`: what the templates need is not known yet. `kept`: the files stay because a list is empty (`on_empty: keep`).',
    ),
  since: time('When `state` began.'),
  reason: text('Why it is not `in-sync`, in one line.'),
  retryAt: time('When it is tried again; null: nothing is due.').nullable(),
  templates: z
    .array(
      z.strictObject({
        source: text('File of the template.'),
        destination: text('File that it is rendered to.'),
        renders: count('How often it was rendered since the start.'),
        writtenAt: time('When the destination was last written; null: not since the start.').nullable(),
        error: text('What is wrong with it now; null: nothing.').nullable(),
        check: command.nullable(),
        leftOut: z
          .array(z.strictObject({ member: text('Name of the member.'), reason: text('Why it is left out.') }))
          .describe('Members it does not hold.'),
      }),
    )
    .describe('In the order of the configuration.'),
  reload: z
    .strictObject({
      pending: flag('Due, or failed and to be tried again.'),
      runs: count('How often it was run since the start.'),
      failures: count('How often it failed since the start.'),
      last: command.nullable(),
    })
    .nullable()
    .describe('null: it has no reload command.'),
})

const hook = z.strictObject({
  name: text('Name of the hook.'),
  cluster: text('The cluster whose primary it follows.'),
  primaryState: text('The state of the primary for which it runs, ran or is to be run; null: for none yet.').nullable(),
  primaryMember: text('The member for which it runs, ran or is to be run.').nullable(),
  running: flag('It is running now.'),
  last: command.nullable(),
})

const keys = z.strictObject({
  cluster: text('In whose DCS.'),
  root: text('The keys below this.'),
  state: sourceState,
  count: count('How many there are.'),
  readAt: time('When they were last known to be complete; null: never.').nullable(),
  error: text('Why they cannot be read; null: they can.').nullable(),
})

const trackFile = z.strictObject({
  path: text('The file.'),
  cluster: text('The cluster it is about.'),
  condition: z.enum(['local-leader', 'primary', 'replicas']).describe('What is tracked.'),
  member: text('The member of `local-leader`; null: the condition is about none.').nullable(),
  met: z
    .boolean()
    .nullable()
    .describe('true: the file is to hold 1. null: it is not known, and the file is to hold 0.'),
  reason: text('Why it is met or not.'),
  since: time('When `met` became what it is.'),
  error: text('Why the file does not hold that; null: it does.').nullable(),
})

export const statusSchema = z.strictObject({
  format: z.literal(STATUS_FORMAT).describe('Version of this format. New fields may come without a new format.'),
  version: text('Version of the router.'),
  pid: whole('Process ID.'),
  node: text('Name of the host it runs on.'),
  startedAt: time('When the router was started.'),
  now: time('When this was said: ages are counted from here.'),
  stopping: flag('It is shutting down: no new connections are accepted.'),
  maxConnections: count('Limit for all clusters together; 0: unlimited.'),
  clusters: z.array(cluster).describe('In the order of the configuration.'),
  templates: z
    .strictObject({
      groups: z.array(group).describe('Templates that change together and are reloaded once.'),
      hooks: z.array(hook).describe('In the order of the configuration.'),
      keys: z.array(keys).describe('Keys of the DCS that templates read.'),
    })
    .nullable()
    .describe('null: there are neither templates nor hooks.'),
  track: z.array(trackFile).describe('Track files.'),
})

/** Returns it as JSON Schema, for the documentation. Keys that are not in it are no fault there: a newer router has more. */
export function publishedSchema(): string {
  const schema = z.toJSONSchema(statusSchema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
  const title = 'patroni-router status --json'
  return `${JSON.stringify({ $schema: schema.$schema, title, ...schema }, null, 2)}\n`
}

export type StatusJson = z.infer<typeof statusSchema>
export type TemplatesJson = NonNullable<StatusJson['templates']>
export type GroupJson = z.infer<typeof group>
export type HookJson = z.infer<typeof hook>
export type KeysJson = z.infer<typeof keys>
export type TrackFileJson = z.infer<typeof trackFile>
export type CommandJson = z.infer<typeof command>
